// Messages, nil, pools, blocks and the Foundation classes.
#include <Block.h>
#include <dispatch/dispatch.h>

#include <atomic>
#include <memory>
#include <thread>

#include "fixture.h"

using namespace fixture;

namespace {

// Sends with a signature or a selector of the test's own choosing, as metal-cpp sends.
struct Sender : NS::Object {
  template <class R, class... A>
  static R send(const void* receiver, const char* selector, A... arguments) {
    return sendMessage<R>(receiver, sel_registerName(selector), arguments...);
  }
};

}  // namespace

TEST(wrong_signature_is_named) {
  Gpu gpu;
  const std::string error = check::thrown<softmetal::UsageError>(
      [&] { Sender::send<bool>(gpu.device.get(), "supportsFamily:", int{1007}); });
  CHECK_TEXT(error, "-[MTLDevice supportsFamily:]");
  CHECK_TEXT(error, "sent as \"B@:i\"");
  CHECK_TEXT(error, "its signature is \"B@:q\"");
}

TEST(wrong_result_type_is_named) {
  Gpu gpu;
  const std::string error = check::thrown<softmetal::UsageError>(
      [&] { Sender::send<int>(gpu.device.get(), "maxBufferLength"); });
  CHECK_TEXT(error, "-[MTLDevice maxBufferLength] was sent as \"i@:\"");
}

TEST(missing_method_is_named) {
  Gpu gpu;
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [&] { gpu.device->newTexture(static_cast<MTL::TextureDescriptor*>(nullptr)); }),
             "-[MTLDevice newTextureWithDescriptor:] is not supported by softmetal");
}

TEST(missing_class_is_named) {
  CHECK_TEXT(check::thrown<softmetal::UsageError>([] { MTL::RenderPipelineDescriptor::alloc(); }),
             "+[MTLRenderPipelineDescriptor alloc] is not supported by softmetal");
}

TEST(internal_class_cannot_be_allocated) {
  CHECK_TEXT(check::thrown<softmetal::UsageError>(
                 [] { Sender::send<NS::Object*>(objc_lookUpClass("MTLBuffer"), "alloc"); }),
             "+[MTLBuffer alloc]");
}

TEST(nil_answers_zero) {
  MTL::Device* device = nullptr;
  NS::String* string = nullptr;
  CHECK(Sender::send<NS::UInteger>(device, "maxBufferLength") == 0);
  CHECK(Sender::send<double>(device, "anything") == 0);
  CHECK((Sender::send<MTL::Size>(device, "maxThreadsPerThreadgroup").width == 0));
  CHECK((Sender::send<NS::Range>(string, "anything").length == 0));
  NS::SharedPtr<MTL::Buffer> empty;
  empty.reset();
}

TEST(structs_go_by_value) {
  Gpu gpu;
  const MTL::Size limit = gpu.device->maxThreadsPerThreadgroup();
  CHECK(limit.width == 1024 && limit.height == 1024 && limit.depth == 1024);
}

TEST(strings) {
  NS::String* text = ns("grün 🚀");
  CHECK(text->length() == 7);  // the rocket takes two UTF-16 units
  CHECK(text->character(2) == 0xfc);
  CHECK(text->lengthOfBytes(NS::UTF8StringEncoding) == 10);
  CHECK(text->isEqualToString(ns("grün 🚀")));
  CHECK(text->hash() == ns("grün 🚀")->hash());
  CHECK(!text->isEqualToString(ns("gruen")));
  CHECK(text->rangeOfString(ns("🚀"), 0).location == 5);
  CHECK(fixture::text(text->stringByAppendingString(ns("!"))) == "grün 🚀!");
  CHECK(ns("Ab")->caseInsensitiveCompare(ns("aB")) == NS::OrderedSame);
  CHECK_TEXT(check::thrown<softmetal::UsageError>([&] { text->character(7); }), "beyond the end");
}

TEST(constant_strings) {
  NS::String* ascii = MTLSTR("literal");
  NS::String* wide = MTLSTR("höher 🚀");
  CHECK(text(ascii) == "literal" && ascii->isEqualToString(ns("literal")));
  CHECK(text(wide) == "höher 🚀" && wide->isEqualToString(ns("höher 🚀")));
  ascii->retain();
  ascii->release();
  ascii->release();  // constants have no count to run out
  CHECK(text(ascii) == "literal");
  CHECK(text(NS::LocalizedDescriptionKey) == "NSLocalizedDescriptionKey");
}

TEST(collections) {
  const NS::Object* items[] = {ns("a"), NS::Number::number(2), ns("a")};
  NS::Array* array = NS::Array::array(items, 3);
  CHECK(array->count() == 3);
  CHECK(array->object<NS::Number>(1)->intValue() == 2);
  CHECK_TEXT(check::thrown<softmetal::UsageError>([&] { array->object(3); }),
             "index 3 of 3 objects");
  int seen = 0;
  NS::Enumerator<NS::Object>* each = array->objectEnumerator();
  while (each->nextObject() != nullptr) ++seen;
  CHECK(seen == 3);
  auto set = NS::TransferPtr(NS::Set::alloc()->init(items, 3));
  CHECK(set->count() == 2);
  NS::Dictionary* dictionary = NS::Dictionary::dictionary(items, items, 2);
  CHECK(dictionary->object<NS::Number>(ns("a")) == static_cast<const void*>(items[0]));
  CHECK(dictionary->object(ns("b")) == nullptr);
}

TEST(numbers_and_values) {
  CHECK(NS::Number::number(2.5)->intValue() == 2);
  CHECK(text(NS::Number::number(true)->stringValue()) == "1");
  CHECK(text(NS::Number::number(0.1)->stringValue()) == "0.1");
  CHECK(NS::Number::number(3)->isEqualToNumber(NS::Number::number(3.0f)));
  CHECK(NS::Number::number(uint64_t{1} << 63)->compare(NS::Number::number(int64_t{-1})) ==
        NS::OrderedDescending);
  int here = 0;
  CHECK(NS::Value::value(static_cast<const void*>(&here))->pointerValue() == &here);
}

TEST(errors) {
  NS::Error* error =
      NS::Error::error(NS::POSIXErrorDomain, 7,
                       NS::Dictionary::dictionary(ns("no luck"), NS::LocalizedDescriptionKey));
  CHECK(error->code() == 7);
  CHECK(error->domain()->isEqualToString(NS::POSIXErrorDomain));
  CHECK(text(error) == "no luck");
}

TEST(processes_and_bundles) {
  NS::ProcessInfo* info = NS::ProcessInfo::processInfo();
  CHECK(text(info->processName()) == "softmetal_tests");
  CHECK(info->physicalMemory() > 0 && info->processorCount() > 0);
  CHECK(info->operatingSystemVersion().majorVersion == 26);
  CHECK(info->isOperatingSystemAtLeastVersion({14, 0, 0}));
  CHECK(!info->isOperatingSystemAtLeastVersion({26, 1, 0}));
  CHECK(!text(NS::Bundle::mainBundle()->bundlePath()).empty());
  CHECK(NS::Bundle::bundle(ns("/no/such/folder")) == nullptr);
}

TEST(pools_nest) {
  auto* outer = NS::AutoreleasePool::alloc()->init();
  ns("outer");
  const uint64_t with_outer = softmetal_live_objects_of("NSString");
  auto* inner = NS::AutoreleasePool::alloc()->init();
  ns("inner");
  CHECK(softmetal_live_objects_of("NSString") == with_outer + 1);
  inner->drain();
  CHECK(softmetal_live_objects_of("NSString") == with_outer);
  outer->release();
  CHECK(softmetal_live_objects_of("NSString") == with_outer - 1);
}

TEST(threads_have_pools_of_their_own) {
  const uint64_t before = softmetal_live_objects_of("NSString");
  std::thread([] { ns("left to the end of the thread"); }).join();
  CHECK(softmetal_live_objects_of("NSString") == before);
}

TEST(blocks_keep_and_free_what_they_capture) {
  auto witness = std::make_shared<int>(0);
  {
    __block std::shared_ptr<int> by_reference = witness;
    std::shared_ptr<int> by_value = witness;
    void (^block)(void) = ^{
      *by_reference += *by_value + 1;
    };
    void (^heap)(void) = Block_copy(block);
    void (^again)(void) = Block_copy(heap);
    heap();
    again();
    Block_release(heap);
    again();
    Block_release(again);
  }
  CHECK(*witness == 7);  // 0 -> 1 -> 3 -> 7
  CHECK(witness.use_count() == 1);
}

TEST(dispatch_queues) {
  dispatch_queue_t queue = dispatch_queue_create("test", DISPATCH_QUEUE_SERIAL);
  __block std::vector<int> order;
  for (int i = 0; i < 100; ++i)
    dispatch_async(queue, ^{
      order.push_back(i);
    });
  dispatch_sync(queue, ^{
    order.push_back(100);
  });
  bool sorted = order.size() == 101;
  for (int i = 0; sorted && i < 101; ++i) sorted = order[static_cast<size_t>(i)] == i;
  CHECK(sorted);
  dispatch_release(queue);
}

TEST(conditions_time_out) {
  auto condition = NS::TransferPtr(NS::Condition::alloc()->init());
  condition->lock();
  CHECK(!condition->waitUntilDate(NS::Date::dateWithTimeIntervalSinceNow(0.01)));
  condition->unlock();
}
