// Where a kernel's arguments are, and its threadgroup variables.
namespace sm_program {

template <class P>
inline P sm_buffer(sm_worker* worker, int index) {
  return sm_pointer<P>::make(worker->launch->buffers[index]);
}
template <class P>
inline P sm_threadgroup(sm_worker* worker, int index) {
  return sm_pointer<P>::make(worker->threadgroup_memory +
                             worker->launch->threadgroup_offset[index]);
}
inline sm_position sm_of(const sm_u32* v) { return {{v[0], v[1], v[2]}}; }
inline sm_u32 sm_volume(const sm_u32* v) { return v[0] * v[1] * v[2]; }
inline sm_u32 sm_groups_of(sm_u32 width, sm_u32 n) { return (n + width - 1) / width; }

inline sm_position sm_thread_position_in_threadgroup(sm_worker* w) {
  return sm_of(w->lane->position);
}
inline sm_position sm_thread_index_in_threadgroup(sm_worker* w) { return {{w->lane->index, 0, 0}}; }
inline sm_position sm_threadgroup_position_in_grid(sm_worker* w) { return sm_of(w->group); }
inline sm_position sm_thread_position_in_grid(sm_worker* w) {
  sm_position p;
  for (int i = 0; i < 3; ++i)
    p.v[i] = w->group[i] * w->launch->group_size[i] + w->lane->position[i];
  return p;
}
inline sm_position sm_threads_per_grid(sm_worker* w) { return sm_of(w->launch->grid); }
inline sm_position sm_grid_size(sm_worker* w) { return sm_of(w->launch->grid); }
inline sm_position sm_grid_origin(sm_worker*) { return {{0, 0, 0}}; }
inline sm_position sm_threadgroups_per_grid(sm_worker* w) { return sm_of(w->launch->groups); }
inline sm_position sm_threads_per_threadgroup(sm_worker* w) { return sm_of(w->group_size); }
inline sm_position sm_dispatch_threads_per_threadgroup(sm_worker* w) {
  return sm_of(w->launch->group_size);
}
inline sm_position sm_thread_index_in_simdgroup(sm_worker* w) {
  return {{w->lane->index % SM_SIMD_WIDTH, 0, 0}};
}
inline sm_position sm_simdgroup_index_in_threadgroup(sm_worker* w) {
  return {{w->lane->index / SM_SIMD_WIDTH, 0, 0}};
}
inline sm_position sm_threads_per_simdgroup(sm_worker*) { return {{SM_SIMD_WIDTH, 0, 0}}; }
inline sm_position sm_thread_execution_width(sm_worker*) { return {{SM_SIMD_WIDTH, 0, 0}}; }
inline sm_position sm_simdgroups_per_threadgroup(sm_worker* w) {
  return {{sm_groups_of(SM_SIMD_WIDTH, sm_volume(w->group_size)), 0, 0}};
}
inline sm_position sm_dispatch_simdgroups_per_threadgroup(sm_worker* w) {
  return {{sm_groups_of(SM_SIMD_WIDTH, sm_volume(w->launch->group_size)), 0, 0}};
}
inline sm_position sm_thread_index_in_quadgroup(sm_worker* w) {
  return {{w->lane->index % 4, 0, 0}};
}
inline sm_position sm_quadgroup_index_in_threadgroup(sm_worker* w) {
  return {{w->lane->index / 4, 0, 0}};
}
inline sm_position sm_quadgroups_per_threadgroup(sm_worker* w) {
  return {{sm_groups_of(4, sm_volume(w->group_size)), 0, 0}};
}
inline sm_position sm_dispatch_quadgroups_per_threadgroup(sm_worker* w) {
  return {{sm_groups_of(4, sm_volume(w->launch->group_size)), 0, 0}};
}

// Threadgroup variables announce themselves when the program is loaded; the library lays them out.
static sm_local* sm_locals = nullptr;
struct sm_local_entry : sm_local {
  sm_local_entry(const void* k, sm_u64 i, sm_u64 n, sm_u64 a) : sm_local{k, i, n, a, 0, sm_locals} {
    sm_locals = this;
  }
};
template <auto kernel, int id, class T>
struct sm_layout {
  static inline sm_local_entry entry{reinterpret_cast<const void*>(kernel), id, sizeof(T),
                                     alignof(T)};
};
template <auto kernel, int id, class T>
inline T& sm_variable() {
  return *reinterpret_cast<T*>(sm_this_worker()->threadgroup_memory +
                               sm_layout<kernel, id, T>::entry.offset);
}

}  // namespace sm_program
