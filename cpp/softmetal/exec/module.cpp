#include "module.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "../msl/emit_host.h"
#include "cache.h"

namespace softmetal {
namespace {

bool any(const msl::ConstantBytes& constants) {
  return std::any_of(constants.begin(), constants.end(),
                     [](const auto& c) { return c.has_value(); });
}

std::string patched(std::string library, const msl::ConstantBytes& constants) {
  const size_t at =
      library.find(std::string_view(msl::kConstantsMagic, sizeof msl::kConstantsMagic));
  if (at == std::string::npos)
    throw CompileError("softmetal: a compiled program has no constants table");
  for (size_t i = 0; i < constants.size(); ++i) {
    msl::ConstantSlot slot{};
    if (constants[i]) std::memcpy(slot.value, constants[i]->data(), sizeof slot.value);
    slot.defined = constants[i].has_value();
    std::memcpy(&library[at + 32 + i * sizeof slot], &slot, sizeof slot);
  }
  return library;
}

}  // namespace

Module::Module(const std::string& path, const msl::ConstantBytes& constants) : path_(path) {
  std::string file = path;
  if (any(constants)) {
    const auto library = read_file(path);
    if (!library) throw CompileError("softmetal: cannot read " + path);
    file = DiskCache::instance().temporary(".so");
    write_file(file, patched(*library, constants));
  }
  handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  const std::string failure = handle_ ? "" : dlerror();
  if (any(constants)) unlink(file.c_str());
  if (!handle_) throw CompileError("softmetal: " + failure);
  descriptor_ = static_cast<const sm_module*>(dlsym(handle_, "softmetal_module"));
  if (!descriptor_ || descriptor_->abi_version != SM_ABI_VERSION) {
    dlclose(handle_);
    throw CompileError("softmetal: " + path + " is no compiled program of this version");
  }
  struct link_map* map = nullptr;
  if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) == 0) load_address_ = map->l_addr;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* self) {
        auto& module = *static_cast<Module*>(self);
        if (info->dlpi_addr != module.load_address_) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i)
          if (info->dlpi_phdr[i].p_type == PT_LOAD)
            module.image_end_ = std::max<uintptr_t>(
                module.image_end_,
                info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz);
        return 1;
      },
      this);
  lay_out();
  *descriptor_->loaded = 1;
}

Module::~Module() { dlclose(handle_); }

const bool* Module::given(size_t kernel) const {
  const std::string name = "softmetal_given_" + std::to_string(kernel);
  return static_cast<const bool*>(dlsym(handle_, name.c_str()));
}

bool Module::contains(const void* address) const {
  const auto at = reinterpret_cast<uintptr_t>(address);
  return at >= load_address_ && at < image_end_;
}

void Module::lay_out() {
  layouts_.resize(descriptor_->kernel_count);
  for (uint32_t k = 0; k < descriptor_->kernel_count; ++k) {
    std::vector<sm_local*> locals;
    for (sm_local* local = *descriptor_->locals; local; local = local->next)
      if (local->kernel == descriptor_->kernels[k].function) locals.push_back(local);
    std::sort(locals.begin(), locals.end(), [](sm_local* a, sm_local* b) { return a->id < b->id; });
    Layout& layout = layouts_[k];
    for (sm_local* local : locals) {
      // Vectors may be read from arrays of scalars: 16 is Metal's alignment of threadgroup memory.
      const size_t alignment = std::max<size_t>(16, local->alignment);
      local->offset = (layout.bytes + alignment - 1) / alignment * alignment;
      layout.bytes = local->offset + local->size;
      layout.variables.push_back({local->id, local->offset, local->size});
    }
  }
}

}  // namespace softmetal
