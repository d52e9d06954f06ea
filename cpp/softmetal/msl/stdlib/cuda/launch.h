// Where a kernel's arguments are, and where its thread stands.
namespace sm_program {

// A `constant T&` travels with the launch, up to this size.
inline constexpr int sm_most_by_value = 1024;
template <class T>
struct alignas(T) sm_copied {
  unsigned char sm_bytes[sizeof(T)];
};

template <class P>
struct sm_passing;
template <class T>
struct sm_passing<T*> {
  typedef T* type;
  static constexpr bool by_value = false;
  static T* bind(T* p) { return p; }
};
template <class T>
struct sm_passing<T&> {
  typedef T* type;
  static constexpr bool by_value = false;
  static T& bind(T* p) { return *p; }
};
template <class T>
  requires(sizeof(T) <= sm_most_by_value)
struct sm_passing<const T&> {
  typedef sm_copied<T> type;
  static constexpr bool by_value = true;
  static const T& bind(const sm_copied<T>& v) { return reinterpret_cast<const T&>(v); }
};

template <class P>
constexpr sm_cuda_argument sm_describe_cuda() {
  const sm_argument a = sm_describe<P>();
  return {sm_u32(a.size), sm_u32(a.alignment), a.read_only, sm_passing<P>::by_value};
}

extern "C" {
extern __shared__ __align__(16) unsigned char sm_dynamic[];
}
template <class P>
inline P sm_threadgroup(const sm_cuda_launch& l, int index) {
  return sm_pointer<P>::make(sm_dynamic + l.threadgroup_offset[index]);
}

inline uint sm_groups_of(uint width, uint n) { return (n + width - 1) / width; }
inline sm_position sm_of(const sm_u32* v) { return {{v[0], v[1], v[2]}}; }

inline sm_position sm_thread_position_in_threadgroup(const sm_cuda_launch&) {
  return {{::threadIdx.x, ::threadIdx.y, ::threadIdx.z}};
}
inline sm_position sm_thread_index_in_threadgroup(const sm_cuda_launch&) {
  return {{::threadIdx.x + ::blockDim.x * (::threadIdx.y + ::blockDim.y * ::threadIdx.z), 0, 0}};
}
inline sm_position sm_threadgroup_position_in_grid(const sm_cuda_launch& l) {
  return {{::blockIdx.x + l.first_group[0], ::blockIdx.y + l.first_group[1],
           ::blockIdx.z + l.first_group[2]}};
}
inline sm_position sm_thread_position_in_grid(const sm_cuda_launch& l) {
  const sm_position group = sm_threadgroup_position_in_grid(l);
  return {{group.v[0] * l.group_size[0] + ::threadIdx.x,
           group.v[1] * l.group_size[1] + ::threadIdx.y,
           group.v[2] * l.group_size[2] + ::threadIdx.z}};
}
inline sm_position sm_threads_per_grid(const sm_cuda_launch& l) { return sm_of(l.grid); }
inline sm_position sm_grid_size(const sm_cuda_launch& l) { return sm_of(l.grid); }
inline sm_position sm_grid_origin(const sm_cuda_launch&) { return {{0, 0, 0}}; }
inline sm_position sm_threadgroups_per_grid(const sm_cuda_launch& l) { return sm_of(l.groups); }
// Smaller at the grid's edge.
inline sm_position sm_threads_per_threadgroup(const sm_cuda_launch& l) {
  const sm_position group = sm_threadgroup_position_in_grid(l);
  sm_position size;
  for (int i = 0; i < 3; ++i) {
    const uint left = l.grid[i] - group.v[i] * l.group_size[i];
    size.v[i] = left < l.group_size[i] ? left : l.group_size[i];
  }
  return size;
}
inline sm_position sm_dispatch_threads_per_threadgroup(const sm_cuda_launch& l) {
  return sm_of(l.group_size);
}
inline uint sm_volume(sm_position p) { return p.v[0] * p.v[1] * p.v[2]; }
inline sm_position sm_thread_index_in_simdgroup(const sm_cuda_launch&) {
  return {{metal::sm_lane_index(), 0, 0}};
}
inline sm_position sm_simdgroup_index_in_threadgroup(const sm_cuda_launch& l) {
  return {{sm_thread_index_in_threadgroup(l).v[0] / SM_SIMD_WIDTH, 0, 0}};
}
inline sm_position sm_threads_per_simdgroup(const sm_cuda_launch&) {
  return {{SM_SIMD_WIDTH, 0, 0}};
}
inline sm_position sm_thread_execution_width(const sm_cuda_launch&) {
  return {{SM_SIMD_WIDTH, 0, 0}};
}
inline sm_position sm_simdgroups_per_threadgroup(const sm_cuda_launch& l) {
  return {{sm_groups_of(SM_SIMD_WIDTH, sm_volume(sm_threads_per_threadgroup(l))), 0, 0}};
}
inline sm_position sm_dispatch_simdgroups_per_threadgroup(const sm_cuda_launch& l) {
  return {{sm_groups_of(SM_SIMD_WIDTH, sm_volume(sm_of(l.group_size))), 0, 0}};
}
inline sm_position sm_thread_index_in_quadgroup(const sm_cuda_launch&) {
  return {{metal::sm_lane_index() % 4, 0, 0}};
}
inline sm_position sm_quadgroup_index_in_threadgroup(const sm_cuda_launch& l) {
  return {{sm_thread_index_in_threadgroup(l).v[0] / 4, 0, 0}};
}
inline sm_position sm_quadgroups_per_threadgroup(const sm_cuda_launch& l) {
  return {{sm_groups_of(4, sm_volume(sm_threads_per_threadgroup(l))), 0, 0}};
}
inline sm_position sm_dispatch_quadgroups_per_threadgroup(const sm_cuda_launch& l) {
  return {{sm_groups_of(4, sm_volume(sm_of(l.group_size))), 0, 0}};
}

// True for a thread that a one-dimensional grid has not: its block is whole, the threadgroup is
// not.
inline bool sm_is_beyond(const sm_cuda_launch& l) {
  return (::blockIdx.x + l.first_group[0]) * l.group_size[0] + ::threadIdx.x >= l.grid[0];
}

}  // namespace sm_program
