// Libraries, functions, pipelines and archives.
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "fixture.h"

using namespace fixture;

namespace {

// A file that is gone with the test.
struct TemporaryFile {
  std::string path = std::filesystem::temp_directory_path() /
                     ("softmetal-" + std::to_string(getpid()) + "-" + std::to_string(next++));
  ~TemporaryFile() { std::filesystem::remove(path); }
  static inline int next = 0;
};

// Set by a handler on another thread.
struct Signal {
  std::mutex mutex;
  std::condition_variable changed;
  bool set = false;

  void raise() {
    std::lock_guard lock(mutex);
    set = true;
    changed.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return set; });
  }
};

}  // namespace

TEST(library_lists_its_functions) {
  Gpu gpu;
  auto library = gpu.library("kernel void add\nkernel void scale");
  CHECK(library->functionNames()->count() == 2);
  CHECK(text(library->functionNames()->object<NS::String>(1)) == "scale");
  CHECK(library->newFunction(ns("nothing")) == nullptr);
  CHECK_TEXT(softmetal_last_error(), "there is no kernel \"nothing\"");
  CHECK(library->device() == gpu.device.get());
}

TEST(failed_library_has_an_error) {
  Gpu gpu;
  NS::Error* error = nullptr;
  CHECK(gpu.device->newLibrary(ns("kernel void nonsense"), nullptr, &error) == nullptr);
  CHECK(error != nullptr && error->code() == MTL::LibraryErrorCompileFailure);
  CHECK(text(error->domain()) == "MTLLibraryErrorDomain");
  CHECK_TEXT(text(error), "program_source:1:1: error: unknown kernel 'nonsense'");
  // Nobody has to ask for the error.
  NS::Error** nobody = nullptr;
  CHECK(gpu.device->newLibrary(ns("kernel void nonsense"), nullptr, nobody) == nullptr);
}

TEST(library_from_files_and_data) {
  Gpu gpu;
  TemporaryFile source, metallib;
  std::ofstream(source.path) << "kernel void add";
  std::ofstream(metallib.path) << "MTLB\1\2\3";
  NS::Error* error = nullptr;
  auto url = [](const std::string& path) { return NS::URL::fileURLWithPath(ns(path)); };
  auto library = NS::TransferPtr(gpu.device->newLibrary(url(source.path), &error));
  CHECK(library && library->functionNames()->count() == 1);
  CHECK(gpu.device->newLibrary(url(metallib.path), &error) == nullptr);
  CHECK_TEXT(text(error), "metallib holds code for Apple GPUs");
  CHECK(gpu.device->newLibrary(url("/no/such/file"), &error) == nullptr);
  CHECK(error->code() == MTL::LibraryErrorFileNotFound);
  dispatch_data_t bytes = dispatch_data_create("kernel void add", 15, nullptr, nullptr);
  auto from_data = NS::TransferPtr(gpu.device->newLibrary(bytes, &error));
  CHECK(from_data);
  dispatch_release(bytes);
}

TEST(library_in_the_background) {
  Gpu gpu;
  auto signal = std::make_shared<Signal>();
  auto names = std::make_shared<NS::UInteger>(0);
  gpu.device->newLibrary(ns("kernel void add"), nullptr,
                         [signal, names](MTL::Library* library, NS::Error* error) {
                           if (error == nullptr) *names = library->functionNames()->count();
                           signal->raise();
                         });
  CHECK(signal->wait());
  CHECK(*names == 1);
  auto failed = std::make_shared<Signal>();
  auto message = std::make_shared<std::string>();
  gpu.device->newLibrary(ns("kernel void nonsense"), nullptr,
                         [failed, message](MTL::Library* library, NS::Error* error) {
                           if (library == nullptr) *message = text(error);
                           failed->raise();
                         });
  CHECK(failed->wait());
  CHECK_TEXT(*message, "unknown kernel");
  // What the handlers captured goes with them, on their thread and so a little later.
  while (signal.use_count() > 1 || failed.use_count() > 1) usleep(100);
  while (softmetal_live_objects_of("MTLLibrary") > 0) usleep(100);
}

TEST(function_constants) {
  Gpu gpu;
  auto library = gpu.library("kernel void scale");
  auto values = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
  NS::Error* error = nullptr;
  CHECK(library->newFunction(ns("scale"), values.get(), &error) == nullptr);
  CHECK_TEXT(text(error), "constant \"factor\" has no value");
  const float factor = 3;
  values->setConstantValue(&factor, MTL::DataTypeFloat, NS::UInteger{0});
  auto function = NS::TransferPtr(library->newFunction(ns("scale"), values.get(), &error));
  CHECK(function && text(function->name()) == "scale");
  auto* constant =
      function->functionConstantsDictionary()->object<MTL::FunctionConstant>(ns("factor"));
  CHECK(constant->type() == MTL::DataTypeFloat && constant->required() && constant->index() == 0);
  auto pipeline = NS::TransferPtr(gpu.device->newComputePipelineState(function.get(), &error));
  auto x = gpu.buffer(4);
  data<float>(x)[0] = 2;
  MTL::CommandBuffer* commands = gpu.queue->commandBuffer();
  MTL::ComputeCommandEncoder* encoder = commands->computeCommandEncoder();
  encoder->setComputePipelineState(pipeline.get());
  encoder->setBuffer(x.get(), 0, 0);
  encoder->dispatchThreads(MTL::Size(1, 1, 1), MTL::Size(1, 1, 1));
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  CHECK(data<float>(x)[0] == 6);
}

TEST(function_constants_by_name_and_descriptor) {
  Gpu gpu;
  auto library = gpu.library("kernel void scale");
  auto values = NS::TransferPtr(MTL::FunctionConstantValues::alloc()->init());
  const float factor = 3;
  values->setConstantValue(&factor, MTL::DataTypeFloat, ns("factor"));
  MTL::FunctionDescriptor* descriptor = MTL::FunctionDescriptor::functionDescriptor();
  descriptor->setName(ns("scale"));
  descriptor->setSpecializedName(ns("scale_3"));
  descriptor->setConstantValues(values.get());
  NS::Error* error = nullptr;
  auto function = NS::TransferPtr(library->newFunction(descriptor, &error));
  CHECK(function && text(function->name()) == "scale_3");
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { values->setConstantValue(&factor, MTL::DataTypeTexture, NS::UInteger{0}); }),
             "type: a function constant is a scalar or vector");
}

TEST(a_function_without_its_constants_makes_no_pipeline) {
  Gpu gpu;
  auto library = gpu.library("kernel void scale");
  auto function = NS::TransferPtr(library->newFunction(ns("scale")));
  CHECK(function && function->functionConstantsDictionary()->count() == 1);
  NS::Error* error = nullptr;
  CHECK(gpu.device->newComputePipelineState(function.get(), &error) == nullptr);
  CHECK_TEXT(text(error), "has no value");
}

TEST(pipeline_limits) {
  Gpu gpu;
  auto add = gpu.pipeline("add");
  CHECK(add->maxTotalThreadsPerThreadgroup() == 1024 && add->threadExecutionWidth() == 32);
  CHECK(gpu.pipeline("small")->maxTotalThreadsPerThreadgroup() == 64);
  CHECK(gpu.pipeline("reduce")->staticThreadgroupMemoryLength() == 1024);
  auto huge = gpu.library("kernel void huge");
  auto function = NS::TransferPtr(huge->newFunction(ns("huge")));
  NS::Error* error = nullptr;
  CHECK(gpu.device->newComputePipelineState(function.get(), &error) == nullptr);
  CHECK_TEXT(text(error), "threadgroup memory of \"huge\"");
}

TEST(pipeline_by_descriptor_with_reflection) {
  Gpu gpu;
  auto library = gpu.library("kernel void add");
  auto function = NS::TransferPtr(library->newFunction(ns("add")));
  auto descriptor = NS::TransferPtr(MTL::ComputePipelineDescriptor::alloc()->init());
  descriptor->setComputeFunction(function.get());
  descriptor->setLabel(ns("sum"));
  descriptor->setMaxTotalThreadsPerThreadgroup(128);
  descriptor->buffers()->object(2)->setMutability(MTL::MutabilityMutable);
  auto copy = NS::TransferPtr(descriptor->copy());
  MTL::ComputePipelineReflection* reflection = nullptr;
  NS::Error* error = nullptr;
  auto pipeline = NS::TransferPtr(gpu.device->newComputePipelineState(
      copy.get(), MTL::PipelineOptionBindingInfo, &reflection, &error));
  CHECK(pipeline->maxTotalThreadsPerThreadgroup() == 128 && text(pipeline->label()) == "sum");
  CHECK(reflection->bindings()->count() == 3);
  auto* binding = reflection->bindings()->object<MTL::BufferBinding>(2);
  CHECK(text(binding->name()) == "out" && binding->index() == 2);
  CHECK(binding->access() == MTL::BindingAccessReadWrite);
  CHECK(binding->type() == MTL::BindingTypeBuffer);
}

TEST(compile_options_reach_the_pipeline) {
  Gpu gpu;
  auto options = NS::TransferPtr(MTL::CompileOptions::alloc()->init());
  CHECK(options->fastMathEnabled());
  options->setMathMode(MTL::MathModeSafe);
  CHECK(!options->fastMathEnabled());
  options->setMaxTotalThreadsPerThreadgroup(256);
  NS::Error* error = nullptr;
  auto library =
      NS::TransferPtr(gpu.device->newLibrary(ns("kernel void add"), options.get(), &error));
  auto function = NS::TransferPtr(library->newFunction(ns("add")));
  auto pipeline = NS::TransferPtr(gpu.device->newComputePipelineState(function.get(), &error));
  CHECK(pipeline->maxTotalThreadsPerThreadgroup() == 256);
  options->setLibraryType(MTL::LibraryTypeDynamic);
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { gpu.device->newLibrary(ns("kernel void add"), options.get(), &error); }),
             "dynamic libraries are not supported");
}

TEST(binary_archives) {
  Gpu gpu;
  auto library = gpu.library("kernel void add\nkernel void reduce");
  auto add = NS::TransferPtr(library->newFunction(ns("add")));
  auto reduce = NS::TransferPtr(library->newFunction(ns("reduce")));
  auto pipeline = NS::TransferPtr(MTL::ComputePipelineDescriptor::alloc()->init());
  auto archive_descriptor = NS::TransferPtr(MTL::BinaryArchiveDescriptor::alloc()->init());
  TemporaryFile file;
  NS::URL* url = NS::URL::fileURLWithPath(ns(file.path));
  NS::Error* error = nullptr;
  {
    auto archive = NS::TransferPtr(gpu.device->newBinaryArchive(archive_descriptor.get(), &error));
    pipeline->setComputeFunction(add.get());
    CHECK(archive->addComputePipelineFunctions(pipeline.get(), &error));
    CHECK(archive->serializeToURL(url, &error));
  }
  archive_descriptor->setUrl(url);
  auto archive = NS::TransferPtr(gpu.device->newBinaryArchive(archive_descriptor.get(), &error));
  const NS::Object* archives[] = {archive.get()};
  pipeline->setBinaryArchives(NS::Array::array(archives, 1));
  const auto make = [&](MTL::Function* function) {
    pipeline->setComputeFunction(function);
    return NS::TransferPtr(gpu.device->newComputePipelineState(
        pipeline.get(), MTL::PipelineOptionFailOnBinaryArchiveMiss, nullptr, &error));
  };
  CHECK(make(add.get()));
  CHECK(!make(reduce.get()));
  CHECK_TEXT(text(error), "\"reduce\" is in none of the binary archives");
  std::ofstream(file.path) << "something else";
  CHECK(gpu.device->newBinaryArchive(archive_descriptor.get(), &error) == nullptr);
  CHECK(error->code() == MTL::BinaryArchiveErrorInvalidFile);
}
