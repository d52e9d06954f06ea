// Messages of kernels go nowhere.
namespace sm_program {
namespace metal {

struct os_log {
  constexpr os_log(const char*, const char*) {}
  template <class... A>
  void log(const char*, A...) const {}
  template <class... A>
  void log_debug(const char*, A...) const {}
  template <class... A>
  void log_info(const char*, A...) const {}
  template <class... A>
  void log_error(const char*, A...) const {}
  template <class... A>
  void log_fault(const char*, A...) const {}
};
inline constexpr os_log os_log_default("", "");

}  // namespace metal
}  // namespace sm_program
