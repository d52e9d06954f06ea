// The stream of a GPU device: dispatches go in, command buffers go to the GPU.
//
// One stream a device, for all threads; a mutex orders them. What is recorded runs as if one
// dispatch followed the other: inside a command buffer dispatches run concurrently, with a barrier
// only where one reads or writes bytes that another since the last barrier wrote (or writes what
// it reads); command buffers follow each other by a fence.
//
// Work is committed once a command buffer holds kMaxDispatches dispatches or touches kMaxBytes
// bytes, and whenever somebody waits for it; while a Profile records, after each dispatch. Command
// buffers have serials 1, 2, ... in the order of their commit; they also complete in that order.
//
// A command buffer that fails makes its serial fail, and those of later ones that read what it
// wrote: whoever waits for one gets a DeviceError, and recording a dispatch that reads its results
// throws too. Everything else goes on.
//
// Metal's threads only note what completed. Foreign memory in use is let go by the next caller of
// the stream, without the stream's lock: a release may run Python code.
//
// In a forked child every call throws DeviceError, save for waits that need not wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "bitmetal/array.h"
#include "gpu/buffer.h"
#include "gpu/hazards.h"
#include "gpu/pipelines.h"
#include "gpu/residency.h"

namespace bitmetal::gpu {

// One argument of a kernel, at the place that it has in the list.
class Argument {
 public:
  enum class Kind : uint8_t { none, constant, read, write, read_write };

  static Argument none() { return {}; }
  static Argument in(const Array& a) { return Argument(a, Kind::read); }
  static Argument out(const Array& a) { return Argument(a, Kind::write); }
  static Argument in_out(const Array& a) { return Argument(a, Kind::read_write); }
  // Copied when the dispatch is recorded; 4096 bytes at most, Metal's limit.
  template <class T>
  static Argument constant(const T& value) {
    return bytes(&value, sizeof(T));
  }
  static Argument bytes(const void* data, size_t size) {
    Argument a;
    a.kind_ = Kind::constant;
    a.data_ = data;
    a.size_ = size;
    return a;
  }

  Kind kind() const { return kind_; }
  bool reads() const { return kind_ == Kind::read || kind_ == Kind::read_write; }
  bool writes() const { return kind_ == Kind::write || kind_ == Kind::read_write; }
  const Array& array() const { return *array_; }
  const void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Argument() = default;
  Argument(const Array& a, Kind kind) : kind_(kind), array_(&a) {}

  Kind kind_ = Kind::none;
  const Array* array_ = nullptr;
  const void* data_ = nullptr;
  size_t size_ = 0;
};

struct Grid {
  MTL::Size count;    // threadgroups, or threads
  MTL::Size threads;  // of a threadgroup
  bool counts_threads = false;

  static Grid of_groups(uint64_t x, uint64_t y, uint64_t z, uint64_t threads) {
    return {MTL::Size(x, y, z), MTL::Size(threads, 1, 1), false};
  }
};

struct StreamStats {
  uint64_t dispatches = 0, barriers = 0;
  uint64_t command_buffers = 0, failed_command_buffers = 0;
  double gpu_seconds = 0;  // summed over completed command buffers
};

class Stream {
 public:
  Stream(MTL::Device& device, std::string kind, Residency& residency);

  void dispatch(const Pipeline& pipeline, std::span<const Argument> arguments, const Grid& grid,
                std::span<const size_t> threadgroup_bytes = {});

  // The serial that the next dispatch gets.
  uint64_t next_serial();
  // Commits what is recorded.
  void commit();
  // Commits a command buffer after which comes what is recorded from now on, and which waits until
  // somebody else's work has brought the event to the value.
  void wait_for(MTL::Event& event, uint64_t value);
  // Commits what is recorded; then, or where that fails, the event gets the value.
  void signal(MTL::SharedEvent& event, uint64_t value);
  // Returns when the command buffer has completed, which is committed where it is not.
  void wait_until_completed(uint64_t serial);
  // Then throws DeviceError where it failed, or one of [first, last] did.
  void wait(uint64_t serial) { wait(serial, serial); }
  void wait(uint64_t first, uint64_t last);
  bool completed(uint64_t serial) const { return completed_.load() >= serial; }
  // Copies bytes and returns when they are there. Nothing that is recorded may use them. Throws
  // DeviceError.
  void copy(MTL::Buffer& from, size_t from_offset, MTL::Buffer& to, size_t to_offset, size_t bytes);
  // Waits for all; throws the first failure that no waiter was told of.
  void synchronize();
  // Waits for all and throws nothing: memory is short.
  void drain() noexcept;

  // Between the two nothing is committed but for a waiter. Nests, also across threads.
  void hold() { ++holds_; }
  void unhold() { --holds_; }

  // Whether each buffer tells, by a debug marker, which of its bytes are the array that is bound:
  // Xcode's captures show it, and softmetal's checker holds kernels to it. For all devices.
  static void mark_arrays(bool on) { marks_ = on; }

  // Throws DeviceError in a forked child.
  void require_own_process() const;
  static bool in_forked_child();

  StreamStats stats() const;
  // GPU time of the command buffers from one serial to another, as far as they are remembered.
  double gpu_seconds(uint64_t first, uint64_t last) const;

 private:
  struct Record {
    uint64_t serial;
    Ref<MTL::CommandBuffer> commands;
    std::vector<uint64_t> needs;      // serials whose results it reads
    std::vector<StorageRef> foreign;  // in use by it
    bool done = false;
  };
  struct Failure {
    std::string text;
    bool told = false;
  };

  void begin(MTL::Event* after = nullptr, uint64_t value = 0);
  void encode(const Pipeline&, std::span<const Argument>, const Grid&, std::span<const size_t>);
  // What is recorded now is complete; the command buffer may take more than kernels.
  void end_encoding();
  // `timed_kernel` is the only one, where Profile is to hear of it.
  void commit_recorded(const std::string& timed_kernel = {});
  void note_completed(uint64_t serial, MTL::CommandBuffer& commands) noexcept;
  void throw_failure(uint64_t first, uint64_t last);
  void reap();

  const std::string kind_;
  Residency& residency_;
  Ref<MTL::CommandQueue> queue_;
  Ref<MTL::Fence> fence_;

  // Guards recording. Taken before state_mutex_.
  std::mutex mutex_;
  Ref<MTL::CommandBuffer> commands_;
  Ref<MTL::ComputeCommandEncoder> encoder_;
  const MTL::ComputePipelineState* bound_ = nullptr;
  Hazards hazards_;
  Record record_{};
  uint64_t serial_ = 1;  // of what is being recorded
  uint64_t dispatches_ = 0, bytes_ = 0;
  std::atomic<int> holds_{0};
  static inline std::atomic<bool> marks_{false};

  // Guards what Metal's threads report. Never held while anything else is called.
  mutable std::mutex state_mutex_;
  std::deque<Record> pending_;  // committed, oldest first
  std::map<uint64_t, Failure> failures_;
  std::map<uint64_t, double> seconds_;
  StreamStats stats_;
  std::atomic<uint64_t> completed_{0};
  std::atomic<bool> has_failures_{false};
};

}  // namespace bitmetal::gpu
