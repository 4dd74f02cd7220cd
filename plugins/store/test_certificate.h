// A certificate for the loopback address, made anew for each test.

#ifndef RULES_INFERENCE_PLUGINS_STORE_TEST_CERTIFICATE_H_
#define RULES_INFERENCE_PLUGINS_STORE_TEST_CERTIFICATE_H_

#include <string>

namespace rules_inference::store {

struct TestCertificate {
  std::string certificate;  // PEM.
  std::string key;          // PEM.
};

// Self-signed, for 127.0.0.1, valid for a day around now.
TestCertificate MakeTestCertificate();

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_TEST_CERTIFICATE_H_
