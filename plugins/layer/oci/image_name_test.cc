#include "plugins/layer/oci/image_name.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace rules_inference::layer::oci {
namespace {

TEST(ImageNameTest, FullNamesAreContainerdsOwn) {
  EXPECT_EQ(FullName("app:1").value(), "docker.io/library/app:1");
  EXPECT_EQ(FullName("team/app:1.0-rc_1").value(), "docker.io/team/app:1.0-rc_1");
  EXPECT_EQ(FullName("registry.example.com/app:1").value(), "registry.example.com/app:1");
  EXPECT_EQ(FullName("localhost/app:1").value(), "localhost/app:1");
  EXPECT_EQ(FullName("localhost:5000/a/b-c/d.e:x").value(), "localhost:5000/a/b-c/d.e:x");
  for (const std::string tag : {"", "app", "App:1", "app:", ":1", "a//b:1", "a/:1", "/a:1",
                                "host:5000/app", "app:.x", "app:a b", "-app:1", "a b:1"}) {
    EXPECT_EQ(FullName(tag).status().message(),
              absl::StrCat("image archive: tags: got '", tag,
                           "', expected a lower-case repository and a tag, such as 'app:1'"));
  }
}

TEST(ImageNameTest, RepositoriesHaveAHostWhenTheFirstWordLooksLikeOne) {
  EXPECT_EQ(ParseRepository("registry.example.com/team/app", "x")->host, "registry.example.com");
  EXPECT_EQ(ParseRepository("registry.example.com/team/app", "x")->path, "team/app");
  EXPECT_EQ(ParseRepository("localhost:5000/app", "x")->host, "localhost:5000");
  EXPECT_EQ(ParseRepository("localhost/app", "x")->host, "localhost");
  EXPECT_EQ(ParseRepository("team/app", "x")->host, "");
  EXPECT_EQ(ParseRepository("team/app", "x")->path, "team/app");
}

TEST(ImageNameTest, OtherRepositoriesAreRefused) {
  for (const std::string name : {"", "App", "host.example.com/", "host.example.com/App", "a b",
                                 "app:1", "https://host.example.com/app"}) {
    EXPECT_EQ(ParseRepository(name, "oci_push").status().message(),
              absl::StrCat("oci_push: repository: got '", name,
                           "', expected a host and lower-case words, such as "
                           "'registry.example.com/team/app'"));
  }
}

}  // namespace
}  // namespace rules_inference::layer::oci
