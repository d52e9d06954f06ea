#include "mtl/descriptors.h"

#include "runtime/property.h"

namespace softmetal {

MTL::ResourceOptions HeapDescriptor::options() const {
  return static_cast<MTL::ResourceOptions>(cache_mode) |
         (static_cast<MTL::ResourceOptions>(storage_mode) << 4) |
         (static_cast<MTL::ResourceOptions>(tracking) << 8);
}

namespace {

struct CompileOptionsMethods : CompileOptionsObject {
  // fastMathEnabled is the older name of a mathMode: each follows the other.
  void set_fast_math(bool on) {
    fast_math = on;
    math_mode = on ? MTL::MathModeFast : MTL::MathModeSafe;
  }
  void set_math_mode(MTL::MathMode mode) {
    math_mode = mode;
    fast_math = mode == MTL::MathModeFast;
  }
};

constexpr Method kCompileOptions[] = {
    getter<&CompileOptionsObject::macros>("preprocessorMacros"),
    setter<&CompileOptionsObject::macros>("setPreprocessorMacros:"),
    getter<&CompileOptionsObject::fast_math>("fastMathEnabled"),
    method<&CompileOptionsMethods::set_fast_math>("setFastMathEnabled:"),
    getter<&CompileOptionsObject::math_mode>("mathMode"),
    method<&CompileOptionsMethods::set_math_mode>("setMathMode:"),
    getter<&CompileOptionsObject::functions>("mathFloatingPointFunctions"),
    setter<&CompileOptionsObject::functions>("setMathFloatingPointFunctions:"),
    getter<&CompileOptionsObject::language_version>("languageVersion"),
    setter<&CompileOptionsObject::language_version>("setLanguageVersion:"),
    getter<&CompileOptionsObject::library_type>("libraryType"),
    setter<&CompileOptionsObject::library_type>("setLibraryType:"),
    getter<&CompileOptionsObject::install_name>("installName"),
    setter<&CompileOptionsObject::install_name>("setInstallName:"),
    getter<&CompileOptionsObject::libraries>("libraries"),
    setter<&CompileOptionsObject::libraries>("setLibraries:"),
    getter<&CompileOptionsObject::preserve_invariance>("preserveInvariance"),
    setter<&CompileOptionsObject::preserve_invariance>("setPreserveInvariance:"),
    getter<&CompileOptionsObject::optimization>("optimizationLevel"),
    setter<&CompileOptionsObject::optimization>("setOptimizationLevel:"),
    getter<&CompileOptionsObject::visibility>("compileSymbolVisibility"),
    setter<&CompileOptionsObject::visibility>("setCompileSymbolVisibility:"),
    getter<&CompileOptionsObject::allow_undefined>("allowReferencingUndefinedSymbols"),
    setter<&CompileOptionsObject::allow_undefined>("setAllowReferencingUndefinedSymbols:"),
    getter<&CompileOptionsObject::max_total_threads>("maxTotalThreadsPerThreadgroup"),
    setter<&CompileOptionsObject::max_total_threads>("setMaxTotalThreadsPerThreadgroup:"),
    getter<&CompileOptionsObject::enable_logging>("enableLogging"),
    setter<&CompileOptionsObject::enable_logging>("setEnableLogging:"),
};

struct HeapDescriptorMethods : HeapDescriptor {
  void set_options(MTL::ResourceOptions options) {
    cache_mode = static_cast<MTL::CPUCacheMode>(options & 0xf);
    storage_mode = static_cast<MTL::StorageMode>((options >> 4) & 0xf);
    tracking = static_cast<MTL::HazardTrackingMode>((options >> 8) & 0x3);
  }
};

constexpr Method kHeapDescriptor[] = {
    getter<&HeapDescriptor::size>("size"),
    setter<&HeapDescriptor::size>("setSize:"),
    getter<&HeapDescriptor::storage_mode>("storageMode"),
    setter<&HeapDescriptor::storage_mode>("setStorageMode:"),
    getter<&HeapDescriptor::cache_mode>("cpuCacheMode"),
    setter<&HeapDescriptor::cache_mode>("setCpuCacheMode:"),
    getter<&HeapDescriptor::tracking>("hazardTrackingMode"),
    setter<&HeapDescriptor::tracking>("setHazardTrackingMode:"),
    getter<&HeapDescriptor::kind>("type"),
    setter<&HeapDescriptor::kind>("setType:"),
    method<&HeapDescriptor::options>("resourceOptions"),
    method<&HeapDescriptorMethods::set_options>("setResourceOptions:"),
};

constexpr Method kCommandQueueDescriptor[] = {
    getter<&CommandQueueDescriptor::max_command_buffers>("maxCommandBufferCount"),
    setter<&CommandQueueDescriptor::max_command_buffers>("setMaxCommandBufferCount:"),
    getter<&CommandQueueDescriptor::log_state>("logState"),
    setter<&CommandQueueDescriptor::log_state>("setLogState:"),
};

constexpr Method kCommandBufferDescriptor[] = {
    getter<&CommandBufferDescriptor::retained_references>("retainedReferences"),
    setter<&CommandBufferDescriptor::retained_references>("setRetainedReferences:"),
    getter<&CommandBufferDescriptor::error_options>("errorOptions"),
    setter<&CommandBufferDescriptor::error_options>("setErrorOptions:"),
    getter<&CommandBufferDescriptor::log_state>("logState"),
    setter<&CommandBufferDescriptor::log_state>("setLogState:"),
};

constexpr Method kBinaryArchiveDescriptor[] = {
    getter<&BinaryArchiveDescriptor::url>("url"),
    setter<&BinaryArchiveDescriptor::url>("setUrl:"),
};

constexpr Method kResidencySetDescriptor[] = {
    getter<&ResidencySetDescriptor::label>("label"),
    setter<&ResidencySetDescriptor::label>("setLabel:"),
    getter<&ResidencySetDescriptor::initial_capacity>("initialCapacity"),
    setter<&ResidencySetDescriptor::initial_capacity>("setInitialCapacity:"),
};

template <class T>
T* make_descriptor() {
  return make<T>().autorelease();
}

constexpr Method kComputePassDescriptor[] = {
    getter<&ComputePassDescriptor::dispatch_type>("dispatchType"),
    setter<&ComputePassDescriptor::dispatch_type>("setDispatchType:"),
};

constexpr Method kComputePassClass[] = {
    method<&make_descriptor<ComputePassDescriptor>>("computePassDescriptor"),
};

constexpr Method kBlitPassClass[] = {
    method<&make_descriptor<BlitPassDescriptor>>("blitPassDescriptor"),
};

template <class T>
constexpr Type descriptor(const char* name, std::span<const Method> methods,
                          std::span<const Method> class_methods = {}) {
  return Type::define<T, Life::copied>(name, &RootObject::type, methods, class_methods);
}

}  // namespace

constinit Type CompileOptionsObject::type =
    descriptor<CompileOptionsObject>("MTLCompileOptions", kCompileOptions);
constinit Type HeapDescriptor::type =
    descriptor<HeapDescriptor>("MTLHeapDescriptor", kHeapDescriptor);
constinit Type CommandQueueDescriptor::type =
    descriptor<CommandQueueDescriptor>("MTLCommandQueueDescriptor", kCommandQueueDescriptor);
constinit Type CommandBufferDescriptor::type =
    descriptor<CommandBufferDescriptor>("MTLCommandBufferDescriptor", kCommandBufferDescriptor);
constinit Type BinaryArchiveDescriptor::type =
    descriptor<BinaryArchiveDescriptor>("MTLBinaryArchiveDescriptor", kBinaryArchiveDescriptor);
constinit Type ResidencySetDescriptor::type =
    descriptor<ResidencySetDescriptor>("MTLResidencySetDescriptor", kResidencySetDescriptor);
constinit Type ComputePassDescriptor::type = descriptor<ComputePassDescriptor>(
    "MTLComputePassDescriptor", kComputePassDescriptor, kComputePassClass);
constinit Type BlitPassDescriptor::type =
    descriptor<BlitPassDescriptor>("MTLBlitPassDescriptor", {}, kBlitPassClass);

}  // namespace softmetal
