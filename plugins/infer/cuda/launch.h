// Which kernel, with which grid, for which args. `Launcher` has
//   template <typename K> int Run(int x, int y, int z, size_t shared, const typename K::Args&
//   args);
// which returns 0 or an error of the device, as Launch does then.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_LAUNCH_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_LAUNCH_H_

#include <cstddef>
#include <cstdint>

#include "plugins/infer/cuda/attention.h"
#include "plugins/infer/cuda/choose.h"
#include "plugins/infer/cuda/flash.h"
#include "plugins/infer/cuda/gemm.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/rows.h"
#include "plugins/infer/cuda/unpack.h"

namespace rules_inference::infer::cuda {

constexpr int Pieces(int size, int piece) { return (size + piece - 1) / piece; }

template <typename K, typename Launcher>
int LaunchGemm(Launcher& launcher, const GemmArgs& args) {
  return launcher.template Run<K>(Pieces(args.rows, K::kTileM), Pieces(args.weight.rows, K::kTileN),
                                  1, K::kShared, args);
}

template <WeightType kType, typename Launcher>
int LaunchGemm(Launcher& launcher, const GemmArgs& args) {
  // Small tiles unless large ones are enough to keep a device busy.
  const int large = Pieces(args.rows, LargeGemm<kType>::kTileM) *
                    Pieces(args.weight.rows, LargeGemm<kType>::kTileN);
  return large >= 64 && args.rows > SmallGemm<kType>::kTileM
             ? LaunchGemm<LargeGemm<kType>>(launcher, args)
             : LaunchGemm<SmallGemm<kType>>(launcher, args);
}

template <typename K, typename Launcher>
int LaunchGemv(Launcher& launcher, const GemvArgs& args) {
  const int blocks = Pieces(args.weight.rows, K::kOut * K::kThreads / kWarp);
  return launcher.template Run<K>(blocks, 1, 1, K::kShared, args);
}

template <WeightType kType, typename Launcher>
int LaunchGemv(Launcher& launcher, const GemvArgs& args) {
  if (args.rows == 1) return LaunchGemv<GemvKernel<kType, 1>>(launcher, args);
  if (args.rows <= 4) return LaunchGemv<GemvKernel<kType, 4>>(launcher, args);
  return LaunchGemv<GemvKernel<kType, kFewRows>>(launcher, args);
}

template <WeightType kType, typename Launcher>
int LaunchUnpack(Launcher& launcher, const UnpackArgs& args) {
  if constexpr (kType == WeightType::kF16) {
    return 0;  // Nothing to unpack.
  } else {
    using K = UnpackKernel<kType>;
    const int64_t half_blocks = int64_t{args.weight.rows} * (args.weight.columns / kBlock) * 2;
    const auto blocks = static_cast<int>((half_blocks + K::kThreads - 1) / K::kThreads);
    return launcher.template Run<K>(blocks, 1, 1, 0, args);
  }
}

template <WeightType kType, typename Launcher>
int LaunchEmbed(Launcher& launcher, const EmbedArgs& args) {
  return launcher.template Run<EmbedKernel<kType>>(args.rows, 1, 1, 0, args);
}

// Calls `call` with the type as a constant.
template <typename Call>
int WithType(WeightType type, Call call) {
  switch (type) {
    case WeightType::kF16:
      return call.template operator()<WeightType::kF16>();
    case WeightType::kQ4_0:
      return call.template operator()<WeightType::kQ4_0>();
    case WeightType::kQ4_1:
      return call.template operator()<WeightType::kQ4_1>();
    case WeightType::kQ5_0:
      return call.template operator()<WeightType::kQ5_0>();
    case WeightType::kQ5_1:
      return call.template operator()<WeightType::kQ5_1>();
    default:
      return call.template operator()<WeightType::kQ8_0>();
  }
}

template <typename Launcher>
int Launch(Launcher& launcher, Kernel kernel, const void* args) {
  switch (kernel) {
    case Kernel::kGemm: {
      const auto& a = *static_cast<const GemmArgs*>(args);
      return WithType(a.weight.type,
                      [&]<WeightType kType>() { return LaunchGemm<kType>(launcher, a); });
    }
    case Kernel::kGemv: {
      const auto& a = *static_cast<const GemvArgs*>(args);
      return WithType(a.weight.type,
                      [&]<WeightType kType>() { return LaunchGemv<kType>(launcher, a); });
    }
    case Kernel::kUnpack: {
      const auto& a = *static_cast<const UnpackArgs*>(args);
      return WithType(a.weight.type,
                      [&]<WeightType kType>() { return LaunchUnpack<kType>(launcher, a); });
    }
    case Kernel::kFinish: {
      const auto& a = *static_cast<const FinishArgs*>(args);
      return launcher.template Run<FinishKernel>(a.rows, 1, 1, 0, a);
    }
    case Kernel::kNorm: {
      const auto& a = *static_cast<const NormArgs*>(args);
      return launcher.template Run<NormKernel>(a.rows, 1, 1, NormKernel::kShared, a);
    }
    case Kernel::kUnfold: {
      const auto& a = *static_cast<const UnfoldArgs*>(args);
      return launcher.template Run<UnfoldKernel>(a.windows * a.out_frames, 1, 1, 0, a);
    }
    case Kernel::kFlash: {
      const auto& a = *static_cast<const FlashArgs*>(args);
      return launcher.template Run<FlashKernel>(Pieces(a.queries, FlashKernel::kTile), a.heads,
                                                a.batch, FlashKernel::kShared, a);
    }
    case Kernel::kEmbed: {
      const auto& a = *static_cast<const EmbedArgs*>(args);
      return WithType(a.embedding.type,
                      [&]<WeightType kType>() { return LaunchEmbed<kType>(launcher, a); });
    }
    case Kernel::kSelfAttention: {
      const auto& a = *static_cast<const SelfAttentionArgs*>(args);
      return launcher.template Run<SelfAttentionKernel>(a.heads, a.rows, 1,
                                                        AttentionShared(a.positions), a);
    }
    case Kernel::kCrossAttention: {
      const auto& a = *static_cast<const CrossAttentionArgs*>(args);
      return launcher.template Run<CrossAttentionKernel>(
          a.splits, a.heads, a.rows, AttentionShared(Pieces(a.keys, a.splits)), a);
    }
    case Kernel::kCombine: {
      const auto& a = *static_cast<const CombineArgs*>(args);
      return launcher.template Run<CombineKernel>(a.heads, a.rows, 1, 0, a);
    }
    case Kernel::kGather: {
      const auto& a = *static_cast<const GatherArgs*>(args);
      return launcher.template Run<GatherKernel>(a.count, 1, 1, 0, a);
    }
    case Kernel::kScores: {
      const auto& a = *static_cast<const ScoresArgs*>(args);
      return launcher.template Run<ScoresKernel>(a.rows, a.head_count, 1, 0, a);
    }
    case Kernel::kProbability: {
      const auto& a = *static_cast<const ProbabilityArgs*>(args);
      return launcher.template Run<ProbabilityKernel>(a.rows, 1, 1, ProbabilityKernel::kShared, a);
    }
    default: {
      const auto& a = *static_cast<const GreedyArgs*>(args);
      return launcher.template Run<GreedyKernel>(a.rows, 1, 1, GreedyKernel::kShared, a);
    }
  }
}

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_LAUNCH_H_
