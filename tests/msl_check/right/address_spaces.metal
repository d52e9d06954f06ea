//--- pointers_of_every_space
void f(device float* d, constant float* c, threadgroup float* g, thread float* t) {
  t[0] = d[0] + c[0] + g[0];
  device float* e = d + 1;
  const device float* r = e;
  auto s = r + 1;
  *t = *s;
}
//--- pointer_to_pointer
void f(device float* thread* p, thread int& n) {
  ++*p;
  n += 1;
}
//--- struct_copied_across_spaces
struct Point {
  float x, y;
};
kernel void f(constant Point& c [[buffer(0)]], device Point* d [[buffer(1)]],
              uint i [[thread_position_in_grid]]) {
  Point p = c;
  p.x += 1;
  d[i] = p;
  p = d[i];
}
//--- method_of_two_spaces
struct Scale {
  float value;
  float get() const thread { return value; }
  float get() const device { return value; }
};
float f(device Scale& s) {
  Scale t = s;
  return s.get() + t.get();
}
//--- overload_by_space
float first(device const float* p) { return p[0]; }
float first(threadgroup const float* p) { return p[0]; }
kernel void f(device float* x [[buffer(0)]], uint i [[thread_index_in_threadgroup]]) {
  threadgroup float shared[4];
  shared[i] = first(x);
  x[i] = first(shared);
}
//--- tables
constant float kTable[3] = {1, 2, 3};
constant constexpr int kWidth = 32;
static constant const uint kMask = 3;
struct Tile {
  static constant constexpr const int rows = 8;
};
float f(uint i) { return kTable[i & kMask] * kWidth * Tile::rows; }
//--- volatile_and_const
void f(volatile device uint* p, const thread uint& n) { *p = n; }
//--- reinterpret_within_a_space
uint f(device const uchar* p) {
  return *reinterpret_cast<device const uint*>(p) + ((device const uint*)p)[1];
}
//--- struct_passed_through_templates
struct State {
  float value, weight;
};
struct Join {
  using State = ::State;
  static State merge(State a, State b) { return a.weight > b.weight ? a : b; }
};
template <typename Op>
typename Op::State fold(typename Op::State s, threadgroup typename Op::State* shared) {
  typename Op::State total = s;
  total = Op::merge(total, shared[0]);
  shared[1] = total;
  return total;
}
kernel void f(device State* x [[buffer(0)]]) {
  threadgroup State shared[2];
  x[0] = fold<Join>(x[0], shared);
}
