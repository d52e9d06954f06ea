//--- recursion
int f(int n) { return n < 2 ? 1 : n * f(n - 1); }  // error: recursive call of 'f'
//--- mutual_recursion
int odd(int n);
int even(int n) { return n == 0 ? 1 : odd(n - 1); }  // error: recursive call of 'even'
int odd(int n) { return n == 0 ? 0 : even(n - 1); }  // error: recursive call of 'odd'
//--- recursion_of_template
template <typename T>
T f(T n) {  // error: recursive call of 'f'
  return n < 2 ? 1 : n * f(n - 1);
}
//--- goto_statement
void f(int n) {
again:
  if (n-- > 0) goto again;  // error: 'goto' is not supported
}
//--- assembly
void f() {
  asm("nop");  // error: inline assembly is not supported
}
//--- static_local
int f() {
  static int calls = 0;  // error: static local variable must reside in constant
  return calls;
}
//--- mutable_program_scope
int calls = 0;  // error: program scope variable must reside in constant address space
//--- constant_computed_at_run_time
float seed();
constant float start = seed();  // error: initializer element is not a compile-time constant
//--- double_type
float f(float x) {
  double y = x;  // error: use of type 'double' requires
  return y;
}
//--- virtual_function
struct Base {
  virtual int get() const;  // error: virtual functions are not supported
};
//--- new_expression
void f() {
  thread int* p = new int;  // error: new' is not supported
}
//--- throw_expression
void f() {
  throw 1;  // error: cannot use 'throw' with exceptions disabled
}
//--- try_block
void f() {
  try {  // error: cannot use 'try' with exceptions disabled
  } catch (int) {
  }
}
//--- thread_local_variable
thread_local int calls;  // error: does not support the 'thread_local' storage
//--- dynamic_cast_expression
struct Base {};
struct Derived : Base {};
void f(thread Base* b) {
  auto d = dynamic_cast<thread Derived*>(b);  // error: 'dynamic_cast'
}
//--- typeid_expression
bool f(int x) {
  return typeid(x) == typeid(x);  // error: typeid
}
//--- variadic_function
void f(int n, ...);  // error: variadic arguments are not allowed
//--- function_pointer_parameter
float f(float (*g)(float)) { return g(1); }  // error: pointers to functions are not allowed
//--- lambda
int f(int n) {
  auto twice = [](int x) { return 2 * x; };  // error: lambda expressions are not supported
  return twice(n);
}
//--- class_template_deduction
template <typename T>
struct Pair {
  T a, b;
  Pair(T x, T y) : a(x), b(y) {}
};
void f() {
  Pair p(1, 2);  // error: their deduction is a C++17 feature
}
//--- inline_variable
inline constant int kWidth = 32;  // error: inline variables are a C++17 feature
//--- auto_template_parameter
template <auto N>  // error: non-type template parameters of type 'auto' are C++17
int f() {
  return N;
}
//--- condition_with_initializer
int g();
int f() {
  if (int n = g(); n > 0) return n;  // error: a condition with an initializer is a C++17 feature
  return 0;
}
//--- missing_return
int f(int n) {
  if (n > 0) return 1;
}  // error: non-void function does not return a value in all control paths
//--- cpp20_concept
template <typename T>
concept Small = sizeof(T) < 4;  // error: unknown type name 'concept'
//--- standard_library
float f(float x) { return std::sqrt(x); }  // error: use of undeclared identifier 'std'
