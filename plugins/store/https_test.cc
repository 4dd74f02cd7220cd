// The fetcher over TLS: whom it trusts, and that no redirect leads out of TLS.

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/fetch.h"
#include "plugins/store/test_certificate.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::JoinPath;

class HttpsTest : public testing::Test {
 protected:
  HttpsTest() : dir_(absl::StrCat(testing::TempDir(), "/https")) {
    for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                             "SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
      unsetenv(name);
    }
    EXPECT_TRUE(fs_.RemoveTree(dir_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(dir_).ok());
    const TestCertificate made = MakeTestCertificate();
    EXPECT_TRUE(base::WriteFile(fs_, JoinPath(dir_, "trusted"), made.certificate).ok());
    EXPECT_TRUE(
        base::WriteFile(fs_, JoinPath(dir_, "server"), absl::StrCat(made.certificate, made.key))
            .ok());
    EXPECT_TRUE(
        base::WriteFile(fs_, JoinPath(dir_, "other"), MakeTestCertificate().certificate).ok());
    server_ = std::make_unique<TestServer>(JoinPath(dir_, "server"));
    options_.attempts = 1;
    options_.netrc_file = "/dev/null";
    options_.ca_file = JoinPath(dir_, "trusted");
  }

  absl::Status Get(const std::string& url) {
    FetchRequest request;
    request.urls = {url};
    request.size = GoodBody().size();
    request.sha256 = base::Sha256::Of(GoodBody());
    request.destination = JoinPath(dir_, "out");
    return Fetch(fs_, request, options_).status();
  }

  base::RealFileSystem fs_;
  FetchOptions options_;
  std::string dir_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(HttpsTest, TrustedServer) {
  EXPECT_TRUE(Get(server_->SecureUrl("/ok")).ok());
  const absl::Status missing = Get(server_->SecureUrl("/missing"));
  EXPECT_EQ(missing, absl::NotFoundError(absl::StrCat("absent: ", server_->SecureUrl("/missing"),
                                                      ": got 404, expected 200")));
}

TEST_F(HttpsTest, CertificatesOfTheEnvironment) {
  options_.ca_file.clear();
  setenv("CURL_CA_BUNDLE", JoinPath(dir_, "trusted").c_str(), 1);
  EXPECT_TRUE(Get(server_->SecureUrl("/ok")).ok());
  setenv("SSL_CERT_FILE", JoinPath(dir_, "other").c_str(), 1);  // Goes first.
  EXPECT_FALSE(Get(server_->SecureUrl("/ok")).ok());
}

TEST_F(HttpsTest, OtherServersAreNotTrusted) {
  options_.ca_file = JoinPath(dir_, "other");
  EXPECT_EQ(Get(server_->SecureUrl("/ok")).message(),
            absl::StrCat("server not trusted: ", server_->SecureUrl("/ok"),
                         ": got a certificate that is not accepted, expected one that ", dir_,
                         "/other vouches for\nhint: SSL_CERT_FILE names another file of "
                         "certificates"));
  options_.ca_file = JoinPath(dir_, "none");
  EXPECT_EQ(Get(server_->SecureUrl("/ok")).message(),
            absl::StrCat("no certificates to trust: ", server_->SecureUrl("/ok"), ": got ", dir_,
                         "/none, which cannot be read, expected a file of certificates\nhint: "
                         "SSL_CERT_FILE names another file of certificates"));
}

TEST_F(HttpsTest, CertificateOfAnotherName) {
  std::string url = server_->SecureUrl("/ok");
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  EXPECT_EQ(Get(url).message(),
            absl::StrCat("server not trusted: ", url,
                         ": got a certificate that is not accepted, expected one that ", dir_,
                         "/trusted vouches for\nhint: SSL_CERT_FILE names another file of "
                         "certificates"));
}

TEST_F(HttpsTest, RedirectsGoToBetterSchemesOnly) {
  const auto to = [](absl::string_view url) {
    std::string path = "/to/";
    for (const char c : url) absl::StrAppend(&path, c == '/' ? "%2F" : std::string(1, c));
    return path;
  };
  EXPECT_TRUE(Get(server_->Url(to(server_->SecureUrl("/ok")))).ok());
  EXPECT_TRUE(Get(server_->SecureUrl(to(server_->SecureUrl("/ok")))).ok());
  const std::string down = server_->SecureUrl(to(server_->Url("/ok")));
  EXPECT_EQ(Get(down).message(), absl::StrCat("redirect refused: ", down, ": got ",
                                              server_->Url("/ok"), ", expected https"));
}

}  // namespace
}  // namespace rules_inference::store
