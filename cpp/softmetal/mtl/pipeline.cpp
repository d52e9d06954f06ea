#include "mtl/pipeline.h"

#include <Metal/MTLArgument.hpp>
#include <algorithm>

#include "foundation/constants.h"
#include "mtl/archive.h"
#include "mtl/misuse.h"
#include "runtime/property.h"

namespace softmetal {

ComputePipelineDescriptor::ComputePipelineDescriptor() : buffers(make<BufferDescriptorArray>()) {}

ComputePipelineDescriptor::ComputePipelineDescriptor(const ComputePipelineDescriptor& other) =
    default;

namespace {

Ref<Error> pipeline_error(const std::string& text) {
  return make_error(*MTLLibraryErrorDomain, MTL::LibraryErrorInternal, text);
}

}  // namespace

ComputePipelineState::ComputePipelineState(Device& owner, std::shared_ptr<const Kernel> made,
                                           uint64_t max_threads,
                                           const ComputePipelineDescriptor* descriptor)
    : DeviceObject(owner),
      kernel(std::move(made)),
      max_total_threads(max_threads),
      required_threads(descriptor != nullptr ? descriptor->required_threads : MTL::Size(0, 0, 0)),
      multiple_of_width(descriptor != nullptr && descriptor->multiple_of_width) {
  if (descriptor != nullptr) label = descriptor->label;
}

Ref<ComputePipelineState> new_pipeline(Device& device, Function* function,
                                       const ComputePipelineDescriptor* descriptor,
                                       MTL::PipelineOption options, Error** error) {
  if (function == nullptr) misuse("-[MTLDevice newComputePipelineState...]", "function is nil");
  if (descriptor != nullptr && descriptor->support_indirect) {
    misuse("-[MTLDevice newComputePipelineState...]",
           "descriptor.supportIndirectCommandBuffers is not supported by softmetal");
  }
  if ((options & MTL::PipelineOptionFailOnBinaryArchiveMiss) != 0 &&
      !(descriptor != nullptr && archives_contain(descriptor->binary_archives.get(), *function))) {
    report(error, make_error(*MTLBinaryArchiveDomain, MTL::BinaryArchiveErrorCompilationFailure,
                             "\"" + function->name + "\" is in none of the binary archives"));
    return nullptr;
  }
  try {
    auto kernel = function->kernel();
    const KernelInfo& info = kernel->info();
    uint64_t max_threads = std::min(device.profile.max_threads_per_group, kernel->max_threads());
    for (const uint64_t limit :
         {uint64_t{info.max_total_threads}, function->library->max_total_threads,
          descriptor != nullptr ? descriptor->max_total_threads : 0}) {
      if (limit != 0) max_threads = std::min(max_threads, limit);
    }
    if (kernel->static_threadgroup_bytes() > device.profile.threadgroup_memory) {
      report(error, pipeline_error("threadgroup memory of \"" + info.name + "\" is " +
                                   std::to_string(kernel->static_threadgroup_bytes()) +
                                   " bytes, the device has " +
                                   std::to_string(device.profile.threadgroup_memory)));
      return nullptr;
    }
    return make<ComputePipelineState>(device, std::move(kernel), max_threads, descriptor);
  } catch (const std::exception& failure) {
    report(error,
           make_error(*MTLLibraryErrorDomain, MTL::LibraryErrorCompileFailure, failure.what()));
    return nullptr;
  }
}

Ref<ComputePipelineReflection> reflect(const ComputePipelineState& pipeline) {
  ObjectList bindings;
  for (const Argument& argument : pipeline.kernel->info().arguments) {
    auto binding = make<BindingObject>();
    binding->name = string(argument.name);
    binding->kind = argument.kind == ArgumentKind::buffer ? MTL::BindingTypeBuffer
                                                          : MTL::BindingTypeThreadgroupMemory;
    binding->access = argument.read_only ? MTL::BindingAccessReadOnly : MTL::BindingAccessReadWrite;
    binding->index = argument.index;
    binding->alignment = argument.element_alignment;
    binding->data_size = argument.element_size;
    bindings.push_back(std::move(binding));
  }
  auto reflection = make<ComputePipelineReflection>();
  reflection->bindings = array(std::move(bindings));
  return reflection;
}

namespace {

constexpr Method kBufferDescriptor[] = {
    getter<&BufferDescriptor::mutability>("mutability"),
    setter<&BufferDescriptor::mutability>("setMutability:"),
};

constexpr Method kBufferDescriptorArray[] = {
    method<&BufferDescriptorArray::at>("objectAtIndexedSubscript:"),
    method<&BufferDescriptorArray::put>("setObject:atIndexedSubscript:"),
};

struct DescriptorMethods : ComputePipelineDescriptor {
  void reset() {
    label = nullptr;
    function = nullptr;
    multiple_of_width = false;
    max_total_threads = 0;
    required_threads = MTL::Size(0, 0, 0);
    support_indirect = false;
    max_call_stack_depth = 1;
    shader_validation = MTL::ShaderValidationDefault;
    binary_archives = nullptr;
    buffers = make<BufferDescriptorArray>();
  }
};

constexpr Method kDescriptor[] = {
    getter<&ComputePipelineDescriptor::label>("label"),
    setter<&ComputePipelineDescriptor::label>("setLabel:"),
    getter<&ComputePipelineDescriptor::function>("computeFunction"),
    setter<&ComputePipelineDescriptor::function>("setComputeFunction:"),
    getter<&ComputePipelineDescriptor::multiple_of_width>(
        "threadGroupSizeIsMultipleOfThreadExecutionWidth"),
    setter<&ComputePipelineDescriptor::multiple_of_width>(
        "setThreadGroupSizeIsMultipleOfThreadExecutionWidth:"),
    getter<&ComputePipelineDescriptor::max_total_threads>("maxTotalThreadsPerThreadgroup"),
    setter<&ComputePipelineDescriptor::max_total_threads>("setMaxTotalThreadsPerThreadgroup:"),
    getter<&ComputePipelineDescriptor::required_threads>("requiredThreadsPerThreadgroup"),
    setter<&ComputePipelineDescriptor::required_threads>("setRequiredThreadsPerThreadgroup:"),
    getter<&ComputePipelineDescriptor::support_indirect>("supportIndirectCommandBuffers"),
    setter<&ComputePipelineDescriptor::support_indirect>("setSupportIndirectCommandBuffers:"),
    getter<&ComputePipelineDescriptor::max_call_stack_depth>("maxCallStackDepth"),
    setter<&ComputePipelineDescriptor::max_call_stack_depth>("setMaxCallStackDepth:"),
    getter<&ComputePipelineDescriptor::shader_validation>("shaderValidation"),
    setter<&ComputePipelineDescriptor::shader_validation>("setShaderValidation:"),
    getter<&ComputePipelineDescriptor::binary_archives>("binaryArchives"),
    setter<&ComputePipelineDescriptor::binary_archives>("setBinaryArchives:"),
    getter<&ComputePipelineDescriptor::buffers>("buffers"),
    method<&DescriptorMethods::reset>("reset"),
};

struct PipelineMethods : ComputePipelineState {
  uint64_t max_threads() const { return max_total_threads; }
  uint64_t width() const { return kSimdWidth; }
  uint64_t static_memory() const { return kernel->static_threadgroup_bytes(); }
  MTL::Size required() const { return required_threads; }
  bool indirect() const { return false; }
  MTL::ShaderValidation validation() const { return MTL::ShaderValidationDefault; }
  ComputePipelineReflection* reflection() const { return reflect(*this).autorelease(); }
};

constexpr Method kPipeline[] = {
    method<&PipelineMethods::max_threads>("maxTotalThreadsPerThreadgroup"),
    method<&PipelineMethods::width>("threadExecutionWidth"),
    method<&PipelineMethods::static_memory>("staticThreadgroupMemoryLength"),
    method<&PipelineMethods::required>("requiredThreadsPerThreadgroup"),
    method<&PipelineMethods::indirect>("supportIndirectCommandBuffers"),
    method<&PipelineMethods::validation>("shaderValidation"),
    method<&PipelineMethods::reflection>("reflection"),
};

constexpr Method kReflection[] = {
    getter<&ComputePipelineReflection::bindings>("bindings"),
};

struct BindingMethods : BindingObject {
  bool yes() const { return true; }
};

constexpr Method kBinding[] = {
    getter<&BindingObject::name>("name"),
    getter<&BindingObject::kind>("type"),
    getter<&BindingObject::access>("access"),
    getter<&BindingObject::index>("index"),
    method<&BindingMethods::yes>("isUsed"),
    method<&BindingMethods::yes>("isArgument"),
    getter<&BindingObject::alignment>("bufferAlignment"),
    getter<&BindingObject::data_size>("bufferDataSize"),
    getter<&BindingObject::alignment>("threadgroupMemoryAlignment"),
    getter<&BindingObject::data_size>("threadgroupMemoryDataSize"),
};

}  // namespace

constinit Type BufferDescriptor::type = Type::define<BufferDescriptor, Life::copied>(
    "MTLPipelineBufferDescriptor", &RootObject::type, kBufferDescriptor);
constinit Type BufferDescriptorArray::type = Type::define<BufferDescriptorArray, Life::internal>(
    "MTLPipelineBufferDescriptorArray", &RootObject::type, kBufferDescriptorArray);
constinit Type ComputePipelineDescriptor::type =
    Type::define<ComputePipelineDescriptor, Life::copied>("MTLComputePipelineDescriptor",
                                                          &RootObject::type, kDescriptor);
constinit Type ComputePipelineState::type = Type::define<ComputePipelineState, Life::internal>(
    "MTLComputePipelineState", &DeviceObject::type, kPipeline);
constinit Type ComputePipelineReflection::type =
    Type::define<ComputePipelineReflection, Life::allocated>("MTLComputePipelineReflection",
                                                             &RootObject::type, kReflection);
constinit Type BindingObject::type =
    Type::define<BindingObject, Life::internal>("MTLBinding", &RootObject::type, kBinding);

}  // namespace softmetal
