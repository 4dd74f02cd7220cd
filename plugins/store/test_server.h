// Runs testdata/server.py for a test.

#ifndef RULES_INFERENCE_PLUGINS_STORE_TEST_SERVER_H_
#define RULES_INFERENCE_PLUGINS_STORE_TEST_SERVER_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::store {

// What the server serves as the right file.
std::string GoodBody();

// The same for /part/slow: 16 MiB.
std::string BigBody();

class TestServer {
 public:
  // Ends the program with one line when the server does not start. `certificate` (a PEM file with
  // certificate and key) makes it speak https too.
  explicit TestServer(const std::string& certificate = "");
  // Ends the server.
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string Url(absl::string_view path) const;
  std::string SecureUrl(absl::string_view path) const;
  int port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
  int port_ = 0;
  int secure_port_ = 0;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_TEST_SERVER_H_
