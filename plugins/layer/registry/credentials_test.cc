#include "plugins/layer/registry/credentials.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/memory_file_system.h"

namespace rules_inference::layer::registry {
namespace {

constexpr char kFile[] = "config.json";

class CredentialsTest : public testing::Test {
 protected:
  absl::StatusOr<Credentials> Find(absl::string_view text, absl::string_view host,
                                   absl::string_view path = "team/app") {
    fs_.files[kFile] = std::string(text);
    return FindCredentials({"absent.json", kFile}, host, path, fs_);
  }

  // A credential helper on PATH.
  static void Helper(absl::string_view name, absl::string_view script) {
    const std::string directory = absl::StrCat(testing::TempDir(), "/helpers");
    std::filesystem::create_directories(directory);
    const std::string path = absl::StrCat(directory, "/docker-credential-", name);
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    setenv("PATH", absl::StrCat(directory, ":/usr/bin:/bin").c_str(), 1);
  }

  base::MemoryFileSystem fs_;
};

TEST_F(CredentialsTest, DockerLogin) {
  // dTpwOnE= is u:p:q.
  const auto found =
      Find(R"({"auths":{"host.example.com:5000":{"auth":"dTpwOnE="}}})", "host.example.com:5000");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->user, "u");
  EXPECT_EQ(found->password, "p:q");
  EXPECT_EQ(found->from, kFile);
}

TEST_F(CredentialsTest, TheLongestNameWins) {
  constexpr absl::string_view kText =
      R"({"auths":{"h.example.com":{"username":"a","password":"1"},
                   "h.example.com/team":{"username":"b","password":"2"},
                   "h.example.com/tea":{"username":"c","password":"3"}}})";
  EXPECT_EQ(Find(kText, "h.example.com", "team/app")->user, "b");
  EXPECT_EQ(Find(kText, "h.example.com", "other")->user, "a");
  EXPECT_TRUE(Find(kText, "h.example.com.evil.example.com", "team/app")->empty());
}

TEST_F(CredentialsTest, DockersOwnRegistryHasAnAddress) {
  EXPECT_EQ(Find(R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}})", "docker.io")->user,
            "u");
}

TEST_F(CredentialsTest, AnIdentityToken) {
  const auto found =
      Find(R"({"auths":{"h.example.com":{"auth":"dTo=","identitytoken":"t"}}})", "h.example.com");
  EXPECT_EQ(found->identity_token, "t");
}

TEST_F(CredentialsTest, AHelperOfTheHostIsAskedFirst) {
  Helper("one", R"(read -r server; echo "{\"Username\":\"$1 $server\",\"Secret\":\"s\"}")");
  const auto found =
      Find(R"({"credHelpers":{"h.example.com":"one"},"auths":{"h.example.com":{"auth":"dTpw"}}})",
           "h.example.com");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->user, "get h.example.com");
  EXPECT_EQ(found->password, "s");
  EXPECT_EQ(found->from, "config.json (docker-credential-one)");
}

TEST_F(CredentialsTest, AHelperMayGiveAToken) {
  Helper("two", R"(echo '{"Username":"<token>","Secret":"s"}')");
  const auto found = Find(R"({"credsStore":"two"})", "h.example.com");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->user, "");
  EXPECT_EQ(found->identity_token, "s");
}

TEST_F(CredentialsTest, AHelperThatDoesNotKnowTheHost) {
  Helper("three", "echo 'credentials not found in native keychain'; exit 1");
  EXPECT_TRUE(Find(R"({"credsStore":"three"})", "h.example.com")->empty());
}

TEST_F(CredentialsTest, AHelperThatFails) {
  Helper("four", "echo 'the agent is not running' >&2; exit 3");
  EXPECT_EQ(Find(R"({"credsStore":"four"})", "h.example.com").status().message(),
            "credentials: config.json: docker-credential-four: got exit code 3 and 'the agent is "
            "not running', expected exit code 0");
}

TEST_F(CredentialsTest, NobodyKnowsTheHost) {
  EXPECT_TRUE(Find("{}", "h.example.com")->empty());
  EXPECT_TRUE(Find(R"({"auths":{"h.example.com":{}}})", "h.example.com")->empty());
}

TEST_F(CredentialsTest, ABrokenFileIsAnError) {
  EXPECT_EQ(Find(R"({"auths":{"h.example.com":{"auth":"%"}}})", "h.example.com").status().message(),
            "credentials: config.json: auths['h.example.com'].auth: got something else, expected "
            "base64 of user:password");
  EXPECT_FALSE(Find("{", "h.example.com").ok());
}

TEST(CredentialFilesTest, ChosenOrUsual) {
  setenv("HOME", "/home/u", 1);
  unsetenv("DOCKER_CONFIG");
  unsetenv("XDG_CONFIG_HOME");
  setenv("XDG_RUNTIME_DIR", "/run/u", 1);
  unsetenv("REGISTRY_AUTH_FILE");
  EXPECT_EQ(CredentialFiles(),
            (std::vector<std::string>{"/home/u/.docker/config.json", "/run/u/containers/auth.json",
                                      "/home/u/.config/containers/auth.json"}));
  setenv("DOCKER_CONFIG", "/d", 1);
  EXPECT_EQ(CredentialFiles()[0], "/d/config.json");
  setenv("REGISTRY_AUTH_FILE", "/chosen", 1);
  EXPECT_EQ(CredentialFiles(), std::vector<std::string>{"/chosen"});
}

}  // namespace
}  // namespace rules_inference::layer::registry
