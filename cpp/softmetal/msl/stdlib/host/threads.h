// Where a thread of the host's stands, and the values of function constants.
namespace sm_program {

static sm_u32 sm_loaded = 0;

inline sm_worker* sm_this_worker() {
  const sm_uptr frame = reinterpret_cast<sm_uptr>(__builtin_frame_address(0));
  return reinterpret_cast<sm_worker*>(frame & ~((sm_uptr(1) << SM_ARENA_LOG2) - 1));
}

// The three below keep sm_lane::at and sm_lane::path; the translator puts them where threads can
// meet.
inline void sm_at(sm_u32 place) { sm_this_worker()->lane->at = place; }

class sm_frame {
 public:
  sm_frame() : lane_(sm_this_worker()->lane) { push(lane_->at); }
  explicit sm_frame(sm_u32 place) : lane_(sm_this_worker()->lane) { push(place); }
  ~sm_frame() { --lane_->depth; }
  sm_frame(const sm_frame&) = delete;
  sm_frame& operator=(const sm_frame&) = delete;

 private:
  void push(sm_u32 place) {
    if (lane_->depth < SM_PATH_MAX) lane_->path[lane_->depth] = place;
    ++lane_->depth;
  }
  sm_lane* lane_;
};

// A loop is a frame of two entries, its place and the iteration.
class sm_loop {
 public:
  explicit sm_loop(sm_u32 place) : place_(place), iteration_(0u), lane_(sm_this_worker()->lane) {}
  void next() {
    const sm_u32 i = lane_->depth - 1;
    if (i < SM_PATH_MAX) ++lane_->path[i];
  }
  bool once() {
    const bool first = first_;
    first_ = false;
    return first;
  }

 private:
  sm_frame place_, iteration_;
  sm_lane* lane_;
  bool first_ = true;
};

struct sm_constant_slot {
  unsigned char value[16];
  unsigned char defined;
  unsigned char padding[15];
};
const volatile sm_constant_slot* sm_slot(unsigned i);

inline bool sm_constant_defined(unsigned slot) { return sm_slot(slot)->defined != 0; }

// The value of a function constant, as whatever type it is declared with.
struct sm_constant {
  unsigned slot;
  template <class T>
  operator T() const {
    static_assert(sizeof(T) <= 16, "function constants are scalars or vectors");
    struct Bytes {
      unsigned char b[sizeof(T)];
    } bytes;
    for (unsigned i = 0; i < sizeof(T); ++i) bytes.b[i] = sm_slot(slot)->value[i];
    return __builtin_bit_cast(T, bytes);
  }
};

}  // namespace sm_program
