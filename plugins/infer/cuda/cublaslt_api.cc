#include "plugins/infer/cuda/cublaslt_api.h"

#include <dlfcn.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::infer::cuda::cublaslt {
namespace {

template <typename Function>
absl::Status Find(void* library, const char* soname, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function != nullptr) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(soname, " has no ", name));
}

absl::Status FindAll(void* library, const char* soname, Api& api) {
#define RI_FIND(name) RETURN_IF_ERROR(Find(library, soname, "cublasLt" #name, api.name))
  RI_FIND(GetVersion);
  RI_FIND(GetStatusName);
  RI_FIND(Create);
  RI_FIND(Destroy);
  RI_FIND(MatmulDescCreate);
  RI_FIND(MatmulDescDestroy);
  RI_FIND(MatmulDescSetAttribute);
  RI_FIND(MatrixLayoutCreate);
  RI_FIND(MatrixLayoutDestroy);
  RI_FIND(MatmulPreferenceCreate);
  RI_FIND(MatmulPreferenceDestroy);
  RI_FIND(MatmulPreferenceSetAttribute);
  RI_FIND(MatmulAlgoGetHeuristic);
  RI_FIND(MatmulAlgoCheck);
  RI_FIND(Matmul);
#undef RI_FIND
  return absl::OkStatus();
}

// The loader's text is a line of paths; that the library is not there is said in words.
std::string WhyNotOpened(const char* soname) {
  const char* const error = dlerror();
  const absl::string_view text = error == nullptr ? "" : error;
  if (text.empty() || absl::StrContains(text, "No such file or directory")) {
    return absl::StrCat("no ", soname, " on this machine");
  }
  return std::string(text);
}

}  // namespace

absl::StatusOr<const Api*> Load(const char* soname) {
  // Never closed: the driver keeps code of it.
  void* const library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return absl::UnavailableError(WhyNotOpened(soname));
  auto* const api = new Api();
  const absl::Status found = FindAll(library, soname, *api);
  if (found.ok() && api->GetVersion() / 10000 == kMajor) return api;
  const std::string version = found.ok() ? VersionText(api->GetVersion()) : "";
  delete api;
  RETURN_IF_ERROR(found);
  return absl::UnavailableError(
      absl::StrCat(soname, " is of version ", version, ", expected ", kMajor));
}

std::string VersionText(size_t version) {
  return absl::StrCat(version / 10000, ".", version / 100 % 100, ".", version % 100);
}

absl::Status ToStatus(const Api& api, int code, absl::string_view what) {
  if (code == kSuccess) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cublasLt", what, ": ", api.GetStatusName(code)));
}

}  // namespace rules_inference::infer::cuda::cublaslt
