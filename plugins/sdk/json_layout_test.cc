#include "plugins/sdk/json_layout.h"

#include <string>

#include "gtest/gtest.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/select.pb.h"

namespace rules_inference::sdk {
namespace {

TEST(JsonLayoutTest, ShortThingsStayOnALine) {
  EXPECT_EQ(LayOutJson(R"({"a":[1,2],"b":{"c":"x,\"]}"},"d":{},"e":[]})"),
            R"({
  "a": [1, 2],
  "b": {"c": "x,\"]}"},
  "d": {},
  "e": []
}
)");
}

TEST(JsonLayoutTest, LongOnesAreBroken) {
  EXPECT_EQ(LayOutJson(R"({"key":[{"name":"one","x":1},{"name":"two"}],"t":"\\"})", {.width = 24}),
            R"({
  "key": [
    {
      "name": "one",
      "x": 1
    },
    {"name": "two"}
  ],
  "t": "\\"
}
)");
}

TEST(JsonLayoutTest, WidthIsMetExactly) {
  EXPECT_EQ(LayOutJson(R"({"a":[12345]})", {.width = 15}), "{\n  \"a\": [12345]\n}\n");
  EXPECT_EQ(LayOutJson(R"({"a":[12345]})", {.width = 14}), "{\n  \"a\": [\n    12345\n  ]\n}\n");
}

TEST(JsonLayoutTest, OpenForDiffs) {
  EXPECT_EQ(LayOutJson(R"({"o":{"a":1},"rows":[{"x":[{"y":1}]}],"variants":[1]})",
                       {.open_objects = true, .open_lists = {"rows"}}),
            R"({
  "o": {
    "a": 1
  },
  "rows": [
    {
      "x": [{"y": 1}]
    }
  ],
  "variants": [1]
}
)");
}

TEST(JsonLayoutTest, AnEmptyDocument) { EXPECT_EQ(LayOutJson("{}"), "{}\n"); }

TEST(JsonLayoutTest, AMessageComesBack) {
  HostDescriptor host;
  host.set_platform("linux-x86_64, \"quoted\\\" {[");
  for (int i = 0; i < 20; ++i) host.add_devices()->set_compute_capability("8.6");
  const auto again = ParseJson<HostDescriptor>("text", ToReadableJson(host));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ToCanonicalJson(*again), ToCanonicalJson(host));
}

}  // namespace
}  // namespace rules_inference::sdk
