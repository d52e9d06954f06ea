// Stand-in for Apple's <objc/message.h>.
//
// metal-cpp sends a message by casting the address of objc_msgSend to the exact function type of
// the call, for which it has just declared an alias. The macros below turn that address into one of
// a function *made for* that type, which knows the signature the caller believes in and has it
// checked against the method's own.
#pragma once

#include <objc/runtime.h>
#include <softmetal/signature.h>

#include <new>

// The method that answers `selector`, or null where `receiver` is nil. Throws softmetal::UsageError
// when there is none or when its signature is another. It lives in the library, never inline: a
// caller that passes `this` would let the compiler delete the test for nil.
extern "C" SOFTMETAL_API IMP softmetal_method(const void* receiver, SEL selector,
                                              const char* signature);

namespace softmetal {

template <class Proc>
struct Send;

template <class R, class... A>
struct Send<R (*)(const void*, SEL, A...)> {
  static R call(const void* receiver, SEL selector, A... arguments) {
    using Method = R (*)(const void*, SEL, A...);
    IMP method = softmetal_method(receiver, selector, signature<R, A...>());
    if (method != nullptr) {
      return reinterpret_cast<Method>(method)(receiver, selector, arguments...);
    }
    if constexpr (!std::is_void_v<R>) {
      // A message to nil answers zero bytes, whatever the type; some (NS::Range) cannot be
      // default-constructed.
      union Zero {
        char bytes[sizeof(R)];
        R value;
        Zero() : bytes{} {}
      };
      return Zero().value;
    }
  }
};

template <class Proc>
struct SendStret;

template <class R, class... A>
struct SendStret<void (*)(R*, const void*, SEL, A...)> {
  static void call(R* result, const void* receiver, SEL selector, A... arguments) {
    new (result) R(Send<R (*)(const void*, SEL, A...)>::call(receiver, selector, arguments...));
  }
};

}  // namespace softmetal

#define objc_msgSend softmetal::Send<SendMessageProc>::call
#define objc_msgSend_fpret softmetal::Send<SendMessageProcFpret>::call
#define objc_msgSend_stret softmetal::SendStret<SendMessageProcStret>::call
