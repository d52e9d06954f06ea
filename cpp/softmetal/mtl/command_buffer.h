// MTLCommandBuffer: a list of commands that encoders fill, run once by its queue.
#pragma once

#include <Metal/MTLCommandBuffer.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "mtl/buffer.h"
#include "mtl/command_queue.h"
#include "runtime/block_ref.h"

namespace softmetal {

class CommandEncoder;

// Ends a command buffer with an error of MTLCommandBufferErrorDomain.
struct CommandFailure {
  MTL::CommandBufferError code;
  std::string text;
};

// One step of a command buffer. Those of one group may run in any order: they are dispatches of a
// concurrent encoder with no barrier between them. Group 0 keeps its place.
struct Command {
  std::function<void()> run;  // throws CommandFailure or ExecutionError
  uint64_t group = 0;
  // Runs also where the command buffer fails: the update of a fence, without which later command
  // buffers of the queue would wait for ever.
  bool in_any_case = false;
};

class CommandBuffer : public DeviceObject {
 public:
  static Type type;

  using Handler = void (^)(CommandBuffer*);

  CommandBuffer(CommandQueue& queue, bool retained_references,
                MTL::CommandBufferErrorOption error_options);
  ~CommandBuffer();

  MTL::CommandBufferStatus status() const { return status_.load(); }
  bool is_committed() const { return status_.load() >= MTL::CommandBufferStatusCommitted; }

  // For encoders. At most one is open, and none once the buffer is committed.
  void begin_encoding(const char* method, CommandEncoder& encoder);
  void end_encoding(bool abandoned);
  void add(Command command) { commands_.push_back(std::move(command)); }
  uint64_t new_group() { return ++groups_; }

  // Keeps a resource until the commands have run. With unretained references it is kept all the
  // same, but one that nobody else keeps any more fails the command buffer: on a Mac it would be
  // gone.
  void use(Object& resource);

  // For the queue, whose reference it takes over.
  static void run(Ref<CommandBuffer> self);

 private:
  friend struct CommandBufferMethods;

  // Outlives the command buffer: whoever waits is woken after all that it held is gone.
  struct Progress {
    std::mutex mutex;
    std::condition_variable changed;
    bool scheduled = false;  // and its handlers have run
    bool completed = false;

    void reach(bool Progress::* stage);
    void wait(bool Progress::* stage);
  };

  using Handlers = std::vector<BlockRef<Handler>>;

  void execute();
  void run_commands(size_t& done);
  std::optional<double> wait_for_commands();
  void fail_running(const std::exception& failure);
  void fail(MTL::CommandBufferError code, const std::string& text);
  void check_unretained() const;
  void forget_commands();
  void fail_in_forked_child();
  static void call(const Handlers& handlers, CommandBuffer* buffer);

  const Ref<CommandQueue> queue_;
  const bool retained_references_;
  const MTL::CommandBufferErrorOption error_options_;
  const std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();

  std::atomic<MTL::CommandBufferStatus> status_{MTL::CommandBufferStatusNotEnqueued};
  std::vector<Command> commands_;
  uint64_t groups_ = 0;
  std::vector<Ref<Object>> used_;
  Handlers scheduled_handlers_;
  Handlers completed_handlers_;
  CommandEncoder* open_encoder_ = nullptr;
  bool has_abandoned_encoder_ = false;
  bool has_place_ = true;
  uint64_t debug_groups_ = 0;

  Ref<Error> error_;  // written before the status that tells of it
  double kernel_start_ = 0, kernel_end_ = 0, gpu_start_ = 0, gpu_end_ = 0;
};

}  // namespace softmetal
