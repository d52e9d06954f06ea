#include "mtl/command_buffer.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "exec/options.h"
#include "foundation/constants.h"
#include "mtl/blit_encoder.h"
#include "mtl/compute_encoder.h"
#include "mtl/event.h"
#include "mtl/faults.h"
#include "mtl/misuse.h"
#include "mtl/residency_set.h"
#include "runtime/autorelease.h"

namespace softmetal {

namespace {

double now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

// Any order of a group is right; which one is taken, the execution options say.
void order_groups(std::vector<Command>& commands) {
  const ExecutionOptions options = execution_options();
  if (options.order == ExecutionOptions::Order::forward) return;
  std::mt19937_64 random(options.seed);
  auto first = commands.begin();
  while (first != commands.end()) {
    auto last = std::find_if(first, commands.end(), [&](const Command& command) {
      return command.group == 0 || command.group != first->group;
    });
    if (last == first) ++last;  // of group 0
    if (options.order == ExecutionOptions::Order::reverse) {
      std::reverse(first, last);
    } else {
      std::shuffle(first, last, random);
    }
    first = last;
  }
}

}  // namespace

void CommandBuffer::Progress::reach(bool Progress::* stage) {
  {
    std::lock_guard lock(mutex);
    this->*stage = true;
  }
  changed.notify_all();
}

void CommandBuffer::Progress::wait(bool Progress::* stage) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return this->*stage; });
}

CommandBuffer::CommandBuffer(CommandQueue& queue, bool retained_references,
                             MTL::CommandBufferErrorOption error_options)
    : DeviceObject(*queue.device),
      queue_(Ref<CommandQueue>::retain(&queue)),
      retained_references_(retained_references),
      error_options_(error_options) {}

CommandBuffer::~CommandBuffer() {
  if (has_place_) queue_->free_place();
}

void CommandBuffer::begin_encoding(const char* method, CommandEncoder& encoder) {
  if (is_committed()) misuse(method, "the command buffer is already committed");
  if (open_encoder_ != nullptr) misuse(method, "another encoder has not ended encoding");
  open_encoder_ = &encoder;
}

void CommandBuffer::end_encoding(bool abandoned) {
  open_encoder_ = nullptr;
  has_abandoned_encoder_ |= abandoned;
}

void CommandBuffer::use(Object& resource) {
  if (!used_.empty() && used_.back().get() == &resource) return;
  used_.push_back(Ref<Object>::retain(&resource));
  if (auto* counted = cast<Resource>(&resource)) ++counted->command_uses;
}

void CommandBuffer::call(const Handlers& handlers, CommandBuffer* buffer) {
  PoolScope pool;
  for (const auto& handler : handlers) handler.get()(buffer);
}

void CommandBuffer::run(Ref<CommandBuffer> self) {
  const std::shared_ptr<Progress> progress = self->progress_;
  Handlers scheduled = std::move(self->scheduled_handlers_);
  Handlers completed = std::move(self->completed_handlers_);
  const bool has_handlers = !scheduled.empty() || !completed.empty();

  self->kernel_start_ = now();
  self->status_ = MTL::CommandBufferStatusScheduled;
  if (scheduled.empty()) {
    progress->reach(&Progress::scheduled);
  } else {
    self->queue_->delivery.post([self, progress, scheduled = std::move(scheduled)]() mutable {
      call(scheduled, self.get());
      scheduled.clear();
      self = nullptr;
      progress->reach(&Progress::scheduled);
    });
  }
  self->kernel_end_ = now();
  self->execute();

  Lane& delivery = self->queue_->delivery;
  auto finish = [self = std::move(self), progress, completed = std::move(completed)]() mutable {
    call(completed, self.get());
    completed.clear();
    self->forget_commands();
    self = nullptr;
    progress->reach(&Progress::completed);
  };
  if (has_handlers) {
    delivery.post(std::move(finish));
  } else {
    finish();
  }
}

void CommandBuffer::execute() {
  gpu_start_ = now();
  size_t done = 0;
  std::optional<double> seconds;
  if (const auto code = faults::command_buffer_failure()) {
    fail(static_cast<MTL::CommandBufferError>(*code), "a fault was asked for");
  } else if (faults::device_lost()) {
    fail(MTL::CommandBufferErrorDeviceRemoved, "the device is lost");
  } else {
    run_commands(done);
    seconds = wait_for_commands();
  }
  for (; done < commands_.size(); ++done) {
    if (commands_[done].in_any_case) commands_[done].run();
  }
  std::this_thread::sleep_for(faults::completion_delay());
  gpu_end_ = seconds ? gpu_start_ + *seconds : now();
  status_ = error_ ? MTL::CommandBufferStatusError : MTL::CommandBufferStatusCompleted;
}

void CommandBuffer::run_commands(size_t& done) {
  try {
    if (!retained_references_) check_unretained();
    order_groups(commands_);
    device->executor.begin();
    for (; done < commands_.size(); ++done) commands_[done].run();
  } catch (const CommandFailure& failure) {
    fail(failure.code, failure.text);
  } catch (const std::bad_alloc&) {
    fail(MTL::CommandBufferErrorOutOfMemory, "no memory is left");
  } catch (const std::exception& failure) {
    fail_running(failure);
  }
}

// Also where one could not be started: those before it use memory that is about to be let go.
std::optional<double> CommandBuffer::wait_for_commands() {
  try {
    return device->executor.finish();
  } catch (const std::exception& failure) {
    if (!error_) fail_running(failure);
    return std::nullopt;
  }
}

void CommandBuffer::fail_running(const std::exception& failure) {
  fail(device->executor.lost() ? MTL::CommandBufferErrorDeviceRemoved
                               : MTL::CommandBufferErrorInternal,
       failure.what());
}

void CommandBuffer::check_unretained() const {
  for (const Ref<Object>& object : used_) {
    const auto* resource = cast<Resource>(object.get());
    if (resource == nullptr || resource->retain_count() > resource->command_uses) continue;
    const std::string name(view(resource->label.get()));
    throw CommandFailure{MTL::CommandBufferErrorInvalidResource,
                         "the resource \"" + name +
                             "\" was released before the command buffer, which does not retain it, "
                             "had run"};
  }
}

void CommandBuffer::fail(MTL::CommandBufferError code, const std::string& text) {
  std::string named(view(label.get()));
  if (!named.empty()) named = "command buffer \"" + named + "\": ";
  error_ = make_error(*MTLCommandBufferErrorDomain, static_cast<int64_t>(code), named + text);
}

void CommandBuffer::forget_commands() {
  commands_.clear();
  for (const Ref<Object>& object : used_) {
    if (auto* resource = cast<Resource>(object.get())) --resource->command_uses;
  }
  used_.clear();
  if (std::exchange(has_place_, false)) queue_->free_place();
}

void CommandBuffer::fail_in_forked_child() {
  fail(MTL::CommandBufferErrorAccessRevoked,
       "the device was made before fork(); a child process cannot use it");
  status_ = MTL::CommandBufferStatusError;
  call(scheduled_handlers_, this);
  call(completed_handlers_, this);
  progress_->reach(&Progress::scheduled);
  progress_->reach(&Progress::completed);
}

struct CommandBufferMethods : CommandBuffer {
  void enqueue() {
    if (status() != MTL::CommandBufferStatusNotEnqueued) {
      misuse("-[MTLCommandBuffer enqueue]", "the command buffer is already enqueued");
    }
    status_ = MTL::CommandBufferStatusEnqueued;
    queue_->enqueue(*this);
  }

  void commit() {
    constexpr const char* kName = "-[MTLCommandBuffer commit]";
    if (is_committed()) misuse(kName, "the command buffer is already committed");
    if (open_encoder_ != nullptr) misuse(kName, "an encoder has not ended encoding");
    if (has_abandoned_encoder_) misuse(kName, "an encoder was released before it ended encoding");
    if (device->is_in_forked_child()) return fail_in_forked_child();
    if (status() == MTL::CommandBufferStatusNotEnqueued) queue_->enqueue(*this);
    // Once committed the queue's thread may finish with this object at any time.
    const Ref<CommandQueue> queue = queue_;
    queue->count_committed();
    status_ = MTL::CommandBufferStatusCommitted;
    queue->start_ready();
  }

  void wait_scheduled() { wait("-[MTLCommandBuffer waitUntilScheduled]", &Progress::scheduled); }
  void wait_completed() { wait("-[MTLCommandBuffer waitUntilCompleted]", &Progress::completed); }

  void add_scheduled(Handler handler) {
    add_handler("-[MTLCommandBuffer addScheduledHandler:]", scheduled_handlers_, handler);
  }
  void add_completed(Handler handler) {
    add_handler("-[MTLCommandBuffer addCompletedHandler:]", completed_handlers_, handler);
  }

  ComputeEncoder* compute_encoder() { return new_compute_encoder(MTL::DispatchTypeSerial); }
  ComputeEncoder* compute_encoder_of_type(MTL::DispatchType kind) {
    return new_compute_encoder(kind);
  }
  ComputeEncoder* compute_encoder_with(ComputePassDescriptor* descriptor) {
    return new_compute_encoder(descriptor->dispatch_type);
  }
  BlitEncoder* blit_encoder() { return make<BlitEncoder>(*this).autorelease(); }
  BlitEncoder* blit_encoder_with(BlitPassDescriptor*) { return blit_encoder(); }

  void signal_event(Event* event, uint64_t value) {
    check_between_encoders("-[MTLCommandBuffer encodeSignalEvent:value:]", event);
    use(*event);
    // Whoever waits for it may look at what the commands before it wrote.
    add({[this, event, value] {
      device->executor.finish();
      event->signal(value);
    }});
  }
  void wait_event(Event* event, uint64_t value) {
    check_between_encoders("-[MTLCommandBuffer encodeWaitForEvent:value:]", event);
    use(*event);
    add({[event, value] {
      if (event->wait(value, kWaitLimit)) return;
      throw CommandFailure{MTL::CommandBufferErrorTimeout,
                           "event \"" + std::string(view(event->label.get())) +
                               "\" did not reach " + std::to_string(value) + " in " +
                               std::to_string(kWaitLimit.count()) + " s"};
    }});
  }

  void push_group(String*) { ++debug_groups_; }
  void pop_group() {
    if (debug_groups_ == 0) misuse("-[MTLCommandBuffer popDebugGroup]", "no group was pushed");
    --debug_groups_;
  }

  void use_set(ResidencySet*) {}
  void use_sets(ResidencySet* const*, uint64_t) {}

  Error* get_error() const {
    return status() == MTL::CommandBufferStatusError ? error_.get() : nullptr;
  }
  MTL::CommandBufferErrorOption get_error_options() const { return error_options_; }
  bool retained_references() const { return retained_references_; }
  CommandQueue* queue() const { return queue_.get(); }
  // Zero until the time has come, as on a Mac.
  double gpu_start() const { return is_done() ? gpu_start_ : 0; }
  double gpu_end() const { return is_done() ? gpu_end_ : 0; }
  double kernel_start() const { return is_done() ? kernel_start_ : 0; }
  double kernel_end() const { return is_done() ? kernel_end_ : 0; }

 private:
  bool is_done() const { return status() >= MTL::CommandBufferStatusCompleted; }

  void wait(const char* method, bool Progress::* stage) {
    if (!is_committed()) misuse(method, "the command buffer is not committed");
    // In a handler of this very buffer there is nothing left to wait for.
    if (is_done() && queue_->delivery.is_current()) return;
    // What is waited for may drop the last reference to this object.
    const std::shared_ptr<Progress> progress = progress_;
    progress->wait(stage);
  }

  void add_handler(const char* method, Handlers& handlers, Handler handler) {
    if (handler == nullptr) misuse(method, "block is nil");
    if (is_committed()) misuse(method, "the command buffer is already committed");
    handlers.emplace_back(handler);
  }

  ComputeEncoder* new_compute_encoder(MTL::DispatchType kind) {
    return make<ComputeEncoder>(*this, kind).autorelease();
  }

  void check_between_encoders(const char* method, Event* event) const {
    if (event == nullptr) misuse(method, "event is nil");
    if (is_committed()) misuse(method, "the command buffer is already committed");
    if (open_encoder_ != nullptr) misuse(method, "an encoder has not ended encoding");
  }
};

namespace {

constexpr Method kMethods[] = {
    method<&CommandBufferMethods::enqueue>("enqueue"),
    method<&CommandBufferMethods::commit>("commit"),
    method<&CommandBufferMethods::wait_scheduled>("waitUntilScheduled"),
    method<&CommandBufferMethods::wait_completed>("waitUntilCompleted"),
    method<&CommandBufferMethods::add_scheduled>("addScheduledHandler:"),
    method<&CommandBufferMethods::add_completed>("addCompletedHandler:"),
    method<&CommandBufferMethods::compute_encoder>("computeCommandEncoder"),
    method<&CommandBufferMethods::compute_encoder_of_type>(
        "computeCommandEncoderWithDispatchType:"),
    method<&CommandBufferMethods::compute_encoder_with>("computeCommandEncoderWithDescriptor:"),
    method<&CommandBufferMethods::blit_encoder>("blitCommandEncoder"),
    method<&CommandBufferMethods::blit_encoder_with>("blitCommandEncoderWithDescriptor:"),
    method<&CommandBufferMethods::signal_event>("encodeSignalEvent:value:"),
    method<&CommandBufferMethods::wait_event>("encodeWaitForEvent:value:"),
    method<&CommandBufferMethods::push_group>("pushDebugGroup:"),
    method<&CommandBufferMethods::pop_group>("popDebugGroup"),
    method<&CommandBufferMethods::use_set>("useResidencySet:"),
    method<&CommandBufferMethods::use_sets>("useResidencySets:count:"),
    method<&CommandBuffer::status>("status"),
    method<&CommandBufferMethods::get_error>("error"),
    method<&CommandBufferMethods::get_error_options>("errorOptions"),
    method<&CommandBufferMethods::retained_references>("retainedReferences"),
    method<&CommandBufferMethods::queue>("commandQueue"),
    method<&CommandBufferMethods::gpu_start>("GPUStartTime"),
    method<&CommandBufferMethods::gpu_end>("GPUEndTime"),
    method<&CommandBufferMethods::kernel_start>("kernelStartTime"),
    method<&CommandBufferMethods::kernel_end>("kernelEndTime"),
};

}  // namespace

constinit Type CommandBuffer::type =
    Type::define<CommandBuffer, Life::internal>("MTLCommandBuffer", &DeviceObject::type, kMethods);

}  // namespace softmetal
