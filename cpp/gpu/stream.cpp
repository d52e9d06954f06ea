#include "gpu/stream.h"

#include <pthread.h>

#include <algorithm>

#include "bitmetal/error.h"
#include "core/profile.h"

namespace bitmetal::gpu {
namespace {

// A dispatch costs a few microseconds to record and tens to commit: enough to hide the one behind
// the other, few enough for the GPU to start early.
constexpr uint64_t kMaxDispatches = 40;
// About a millisecond of a laptop GPU's memory traffic.
constexpr uint64_t kMaxBytes = uint64_t{128} << 20;

// How many command buffers' times and failures are remembered.
constexpr size_t kRemembered = 4096;

constexpr size_t kMaxConstantBytes = 4096;  // Metal's limit for setBytes

std::atomic<bool> forked{false};

template <class T>
void forget_oldest(std::map<uint64_t, T>& map) {
  if (map.size() > kRemembered) map.erase(map.begin());
}

ByteRange range_of(const Array& a) {
  const auto [begin, end] = byte_range(a);
  return {begin, end};
}

}  // namespace

Stream::Stream(MTL::Device& device, std::string kind, Residency& residency)
    : kind_(std::move(kind)),
      residency_(residency),
      queue_(device.newCommandQueue()),
      fence_(device.newFence()) {
  if (!queue_ || !fence_) fail<DeviceError>(kind_, ": the system gave no command queue");
  residency_.attach(*queue_.get());
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { forked = true; }); });
}

bool Stream::in_forked_child() { return forked.load(std::memory_order_relaxed); }

void Stream::require_own_process() const {
  if (in_forked_child()) {
    fail<DeviceError>(kind_, ": the device was opened before fork(), a child cannot use it; start ",
                      "processes with the 'spawn' method");
  }
}

void Stream::dispatch(const Pipeline& pipeline, std::span<const Argument> arguments,
                      const Grid& grid, std::span<const size_t> threadgroup_bytes) {
  require_own_process();
  reap();
  const AutoreleaseScope scope;
  const std::lock_guard lock(mutex_);
  const bool alone = Profile::active();
  if (alone) commit_recorded();
  for (const Argument& a : arguments) {
    if (!a.reads()) continue;
    const uint64_t written = buffer_of(a.array()).last_written.load();
    if (written == 0 || written == serial_) continue;
    if (completed(written)) {
      throw_failure(written, written);
    } else if (std::find(record_.needs.begin(), record_.needs.end(), written) ==
               record_.needs.end()) {
      record_.needs.push_back(written);
    }
  }
  if (!commands_) begin();
  encode(pipeline, arguments, grid, threadgroup_bytes);
  if (alone) {
    commit_recorded(pipeline.name);
  } else if (holds_ == 0 && (dispatches_ >= kMaxDispatches || bytes_ >= kMaxBytes)) {
    commit_recorded();
  }
}

void Stream::begin(MTL::Event* after, uint64_t value) {
  commands_ = Ref<MTL::CommandBuffer>::retain(queue_->commandBuffer());
  if (!commands_) fail<DeviceError>(kind_, ": the system gave no command buffer");
  if (after) commands_->encodeWait(after, value);
  encoder_ = Ref<MTL::ComputeCommandEncoder>::retain(
      commands_->computeCommandEncoder(MTL::DispatchTypeConcurrent));
  encoder_->waitForFence(fence_.get());
  bound_ = nullptr;
}

void Stream::encode(const Pipeline& pipeline, std::span<const Argument> arguments, const Grid& grid,
                    std::span<const size_t> threadgroup_bytes) {
  bool conflict = false;
  for (const Argument& a : arguments) {
    if (a.reads() || a.writes()) conflict |= hazards_.conflict(range_of(a.array()), a.writes());
  }
  if (conflict) {
    encoder_->memoryBarrier(MTL::BarrierScopeBuffers);
    hazards_.clear();
    const std::lock_guard lock(state_mutex_);
    ++stats_.barriers;
  }
  if (bound_ != pipeline.state.get()) {
    encoder_->setComputePipelineState(pipeline.state.get());
    bound_ = pipeline.state.get();
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Argument& a = arguments[i];
    if (a.kind() == Argument::Kind::constant) {
      if (a.size() > kMaxConstantBytes) {
        fail<ValueError>("kernel '", pipeline.name, "': argument ", i, " has ", a.size(),
                         " bytes, expected at most ", kMaxConstantBytes);
      }
      encoder_->setBytes(a.data(), a.size(), i);
    } else if (a.kind() != Argument::Kind::none) {
      const Buffer& buffer = buffer_of(a.array());
      const auto offset = static_cast<NS::UInteger>(a.array().data() - buffer.base);
      if (marks_) {
        const auto end = static_cast<NS::UInteger>(byte_range(a.array()).second - buffer.base);
        buffer.metal->removeAllDebugMarkers();
        buffer.metal->addDebugMarker(to_ns(pipeline.name), NS::Range(offset, end - offset));
      }
      encoder_->setBuffer(buffer.metal.get(), offset, i);
    }
  }
  for (size_t i = 0; i < threadgroup_bytes.size(); ++i) {
    if (threadgroup_bytes[i]) encoder_->setThreadgroupMemoryLength(threadgroup_bytes[i], i);
  }
  if (grid.counts_threads) {
    encoder_->dispatchThreads(grid.count, grid.threads);
  } else {
    encoder_->dispatchThreadgroups(grid.count, grid.threads);
  }

  for (const Argument& a : arguments) {
    if (!a.reads() && !a.writes()) continue;
    Buffer& buffer = buffer_of(a.array());
    buffer.last_used = serial_;
    if (a.writes()) buffer.last_written = serial_;
    hazards_.add(range_of(a.array()), a.writes());
    bytes_ += a.array().bytes();
    if (a.array().storage()->foreign()) record_.foreign.push_back(a.array().storage());
  }
  ++dispatches_;
}

void Stream::end_encoding() {
  encoder_->updateFence(fence_.get());
  encoder_->endEncoding();
  encoder_ = {};
}

void Stream::commit_recorded(const std::string& timed_kernel) {
  if (!commands_) return;
  if (encoder_) end_encoding();
  const uint64_t serial = serial_++;
  record_.serial = serial;
  record_.commands = commands_;
  const Ref<MTL::CommandBuffer> commands = std::exchange(commands_, {});
  hazards_.clear();
  {
    const std::lock_guard lock(state_mutex_);
    ++stats_.command_buffers;
    stats_.dispatches += dispatches_;
    pending_.push_back(std::exchange(record_, {}));
  }
  if (!timed_kernel.empty()) {
    commands->addCompletedHandler([this, timed_kernel, bytes = bytes_](MTL::CommandBuffer* done) {
      if (done->status() == MTL::CommandBufferStatusError) return;
      Profile::record({timed_kernel, kind_, done->GPUStartTime(), done->GPUEndTime(), bytes, 0});
    });
  }
  dispatches_ = bytes_ = 0;
  commands->addCompletedHandler(
      [this, serial](MTL::CommandBuffer* done) { note_completed(serial, *done); });
  residency_.update();
  commands->commit();
}

void Stream::wait_for(MTL::Event& event, uint64_t value) {
  require_own_process();
  const AutoreleaseScope scope;
  const std::lock_guard lock(mutex_);
  commit_recorded();
  begin(&event, value);
  commit_recorded();
}

void Stream::signal(MTL::SharedEvent& event, uint64_t value) {
  require_own_process();
  const AutoreleaseScope scope;
  const std::lock_guard lock(mutex_);
  if (!commands_) begin();
  end_encoding();
  commands_->encodeSignalEvent(&event, value);
  // A command buffer that fails signals nothing.
  const auto held = Ref<MTL::SharedEvent>::retain(&event);
  commands_->addCompletedHandler([held, value](MTL::CommandBuffer*) {
    if (held->signaledValue() < value) held->setSignaledValue(value);
  });
  commit_recorded();
}

void Stream::note_completed(uint64_t serial, MTL::CommandBuffer& commands) noexcept {
  const double seconds = commands.GPUEndTime() - commands.GPUStartTime();
  const bool failed = commands.status() == MTL::CommandBufferStatusError;
  {
    const std::lock_guard lock(state_mutex_);
    seconds_[serial] = seconds;
    forget_oldest(seconds_);
    stats_.gpu_seconds += seconds;
    if (failed) failures_[serial].text = describe(commands.error());
    for (Record& record : pending_) {
      if (record.serial == serial) record.done = true;
      if (!record.done) break;
      if (record.serial <= completed_) continue;
      // In the order of the commits, so that a failure reaches those that depend on it.
      for (uint64_t needed : record.needs) {
        const auto cause = failures_.find(needed);
        if (cause == failures_.end() || failures_.count(record.serial)) continue;
        failures_[record.serial].text = cause->second.text;
      }
      if (failures_.count(record.serial)) ++stats_.failed_command_buffers;
      forget_oldest(failures_);
      has_failures_ = !failures_.empty();
      completed_ = record.serial;
    }
  }
  completed_.notify_all();
}

uint64_t Stream::next_serial() {
  const std::lock_guard lock(mutex_);
  return serial_;
}

void Stream::commit() {
  require_own_process();
  const AutoreleaseScope scope;
  const std::lock_guard lock(mutex_);
  commit_recorded();
}

void Stream::wait_until_completed(uint64_t serial) {
  if (completed(serial)) return;
  require_own_process();
  {
    const AutoreleaseScope scope;
    const std::lock_guard lock(mutex_);
    if (serial >= serial_) commit_recorded();
    serial = std::min(serial, serial_ - 1);
  }
  Ref<MTL::CommandBuffer> commands;
  {
    const std::lock_guard lock(state_mutex_);
    for (const Record& record : pending_) {
      if (record.serial == serial) commands = record.commands;
    }
  }
  if (commands) commands->waitUntilCompleted();
  commands = {};
  for (uint64_t seen; (seen = completed_.load()) < serial;) completed_.wait(seen);
  reap();
}

void Stream::throw_failure(uint64_t first, uint64_t last) {
  if (!has_failures_ || in_forked_child()) return;
  std::string text;
  {
    const std::lock_guard lock(state_mutex_);
    const auto failure = failures_.lower_bound(first);
    if (failure == failures_.end() || failure->first > last) return;
    failure->second.told = true;
    text = failure->second.text;
  }
  fail<DeviceError>(kind_, ": a command buffer failed: ", text);
}

void Stream::wait(uint64_t first, uint64_t last) {
  wait_until_completed(last);
  throw_failure(first, last);
}

void Stream::copy(MTL::Buffer& from, size_t from_offset, MTL::Buffer& to, size_t to_offset,
                  size_t bytes) {
  require_own_process();
  const AutoreleaseScope scope;
  MTL::CommandBuffer* commands = queue_->commandBuffer();
  MTL::BlitCommandEncoder* encoder = commands->blitCommandEncoder();
  encoder->copyFromBuffer(&from, from_offset, &to, to_offset, bytes);
  encoder->endEncoding();
  commands->commit();
  commands->waitUntilCompleted();
  if (commands->status() == MTL::CommandBufferStatusError) {
    fail<DeviceError>(kind_, ": a copy failed: ", describe(commands->error()));
  }
}

void Stream::synchronize() {
  wait_until_completed(UINT64_MAX);
  std::string text;
  {
    const std::lock_guard lock(state_mutex_);
    for (auto& [serial, failure] : failures_) {
      if (!failure.told && text.empty()) text = failure.text;
      failure.told = true;
    }
  }
  if (!text.empty()) fail<DeviceError>(kind_, ": a command buffer failed: ", text);
}

void Stream::drain() noexcept {
  try {
    wait_until_completed(UINT64_MAX);
  } catch (const Error&) {  // in a forked child: there is nothing to wait for
  }
}

void Stream::reap() {
  std::vector<Record> finished;
  {
    const std::lock_guard lock(state_mutex_);
    while (!pending_.empty() && pending_.front().serial <= completed_) {
      finished.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
  }
  // Its handler has run, but Metal's thread may not have let go of the buffers yet.
  for (const Record& record : finished) record.commands->waitUntilCompleted();
}

StreamStats Stream::stats() const {
  const std::lock_guard lock(state_mutex_);
  return stats_;
}

double Stream::gpu_seconds(uint64_t first, uint64_t last) const {
  const std::lock_guard lock(state_mutex_);
  double sum = 0;
  for (auto at = seconds_.lower_bound(first); at != seconds_.end() && at->first <= last; ++at) {
    sum += at->second;
  }
  return sum;
}

}  // namespace bitmetal::gpu
