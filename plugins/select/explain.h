// An answer for people.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_EXPLAIN_H_
#define RULES_INFERENCE_PLUGINS_SELECT_EXPLAIN_H_

#include <string>

#include "plugins/sdk/select.pb.h"

namespace rules_inference::select {

// What was asked for, for which machine, what was tried, and a line per row. Ends with a newline.
std::string Explain(const sdk::SelectRequest& request, const sdk::SelectAnswer& answer);

// One line about a machine: "linux-x86_64, devices 8.6 9.0, driver 580.95.05 (CUDA 13.0), ...".
std::string DescribeHost(const sdk::HostDescriptor& host);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_EXPLAIN_H_
