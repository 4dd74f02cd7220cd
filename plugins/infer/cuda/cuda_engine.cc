#include "plugins/infer/cuda/cuda_engine.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerated_engine.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/cuda_accelerator.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

absl::StatusOr<std::unique_ptr<Engine>> NewCudaEngine(const ModelFile& file,
                                                      const CudaOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<cuda::Accelerator> accelerator,
                   cuda::NewCudaAccelerator(options.index));
  // A device can be there, be new enough, and yet not work.
  RETURN_IF_ERROR(cuda::CheckKernels(*accelerator));
  return cuda::NewAcceleratedEngine(std::move(accelerator), file,
                                    {.blas = cuda::RegisteredBlas(), .note = options.note});
}

}  // namespace rules_inference::infer
