// The classes that a program can look up by name, and that are counted.
#include "foundation/dispatch.h"
#include "foundation/error.h"
#include "foundation/number.h"
#include "foundation/process.h"
#include "foundation/string.h"
#include "foundation/url.h"
#include "mtl/archive.h"
#include "mtl/blit_encoder.h"
#include "mtl/capture.h"
#include "mtl/compute_encoder.h"
#include "mtl/event.h"
#include "mtl/function_descriptor.h"
#include "mtl/residency_set.h"
#include "runtime/autorelease.h"

namespace softmetal {

namespace {

constexpr const Type* kTypes[] = {
    &RootObject::type,
    // Foundation
    &AutoreleasePool::type,
    &Array::type,
    &Bundle::type,
    &Condition::type,
    &Date::type,
    &Dictionary::type,
    &DispatchData::type,
    &DispatchQueue::type,
    &Enumerator::type,
    &Error::type,
    &Number::type,
    &ProcessInfo::type,
    &Set::type,
    &String::type,
    &URL::type,
    &Value::type,
    // Metal
    &Allocation::type,
    &Architecture::type,
    &BinaryArchive::type,
    &BinaryArchiveDescriptor::type,
    &BindingObject::type,
    &BlitEncoder::type,
    &BlitPassDescriptor::type,
    &Buffer::type,
    &BufferDescriptor::type,
    &BufferDescriptorArray::type,
    &CaptureManager::type,
    &CommandBuffer::type,
    &CommandBufferDescriptor::type,
    &CommandEncoder::type,
    &CommandQueue::type,
    &CommandQueueDescriptor::type,
    &CompileOptionsObject::type,
    &ComputeEncoder::type,
    &ComputePassDescriptor::type,
    &ComputePipelineDescriptor::type,
    &ComputePipelineReflection::type,
    &ComputePipelineState::type,
    &Device::type,
    &DeviceObject::type,
    &Event::type,
    &Fence::type,
    &Function::type,
    &FunctionConstantObject::type,
    &FunctionConstantValues::type,
    &FunctionDescriptor::type,
    &Heap::type,
    &HeapDescriptor::type,
    &Library::type,
    &ResidencySet::type,
    &ResidencySetDescriptor::type,
    &Resource::type,
    &SharedEvent::type,
    &SharedEventHandle::type,
    &SharedEventListener::type,
};

}  // namespace

std::span<const Type* const> all_types() { return kTypes; }

}  // namespace softmetal
