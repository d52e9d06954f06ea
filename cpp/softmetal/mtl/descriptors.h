// The descriptors that a program fills in: plain data, copied by -copy.
#pragma once

#include <Metal/MTLCommandBuffer.hpp>
#include <Metal/MTLCounters.hpp>
#include <Metal/MTLHeap.hpp>
#include <Metal/MTLLibrary.hpp>

#include "foundation/collections.h"
#include "foundation/string.h"
#include "foundation/url.h"

namespace softmetal {

class CompileOptionsObject : public Object {
 public:
  static Type type;

  Ref<Dictionary> macros;
  bool fast_math = true;
  MTL::MathMode math_mode = MTL::MathModeFast;
  MTL::MathFloatingPointFunctions functions = MTL::MathFloatingPointFunctionsFast;
  MTL::LanguageVersion language_version = static_cast<MTL::LanguageVersion>(0);
  MTL::LibraryType library_type = MTL::LibraryTypeExecutable;
  Ref<String> install_name;
  Ref<Array> libraries;
  bool preserve_invariance = false;
  MTL::LibraryOptimizationLevel optimization = MTL::LibraryOptimizationLevelDefault;
  MTL::CompileSymbolVisibility visibility = MTL::CompileSymbolVisibilityDefault;
  bool allow_undefined = false;
  uint64_t max_total_threads = 0;
  bool enable_logging = false;
};

class HeapDescriptor : public Object {
 public:
  static Type type;

  uint64_t size = 0;
  MTL::StorageMode storage_mode = MTL::StorageModePrivate;
  MTL::CPUCacheMode cache_mode = MTL::CPUCacheModeDefaultCache;
  MTL::HazardTrackingMode tracking = MTL::HazardTrackingModeDefault;
  MTL::HeapType kind = MTL::HeapTypeAutomatic;

  MTL::ResourceOptions options() const;
};

class CommandQueueDescriptor : public Object {
 public:
  static Type type;

  uint64_t max_command_buffers = 64;
  Ref<Object> log_state;
};

class CommandBufferDescriptor : public Object {
 public:
  static Type type;

  bool retained_references = true;
  MTL::CommandBufferErrorOption error_options = MTL::CommandBufferErrorOptionNone;
  Ref<Object> log_state;
};

class BinaryArchiveDescriptor : public Object {
 public:
  static Type type;

  Ref<URL> url;
};

class ResidencySetDescriptor : public Object {
 public:
  static Type type;

  Ref<String> label;
  uint64_t initial_capacity = 0;
};

class ComputePassDescriptor : public Object {
 public:
  static Type type;

  MTL::DispatchType dispatch_type = MTL::DispatchTypeSerial;
};

class BlitPassDescriptor : public Object {
 public:
  static Type type;
};

}  // namespace softmetal
