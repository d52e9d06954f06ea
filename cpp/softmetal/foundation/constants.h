// The string constants that the frameworks export. A program compares them by identity or as text;
// each one's text is its name.
#pragma once

#include "foundation/string.h"

#define SOFTMETAL_STRING_CONSTANTS(X)                     \
  X(NSCocoaErrorDomain)                                   \
  X(NSPOSIXErrorDomain)                                   \
  X(NSOSStatusErrorDomain)                                \
  X(NSMachErrorDomain)                                    \
  X(NSLocalizedDescriptionKey)                            \
  X(NSLocalizedFailureReasonErrorKey)                     \
  X(NSLocalizedRecoverySuggestionErrorKey)                \
  X(NSLocalizedRecoveryOptionsErrorKey)                   \
  X(NSRecoveryAttempterErrorKey)                          \
  X(NSHelpAnchorErrorKey)                                 \
  X(NSDebugDescriptionErrorKey)                           \
  X(NSLocalizedFailureErrorKey)                           \
  X(NSStringEncodingErrorKey)                             \
  X(NSURLErrorKey)                                        \
  X(NSFilePathErrorKey)                                   \
  X(NSUnderlyingErrorKey)                                 \
  X(NSBundleDidLoadNotification)                          \
  X(NSBundleResourceRequestLowDiskSpaceNotification)      \
  X(NSProcessInfoThermalStateDidChangeNotification)       \
  X(NSProcessInfoPowerStateDidChangeNotification)         \
  X(NSProcessInfoPerformanceProfileDidChangeNotification) \
  X(MTLBinaryArchiveDomain)                               \
  X(MTLCounterErrorDomain)                                \
  X(MTLIOErrorDomain)                                     \
  X(MTLLogStateErrorDomain)                               \
  X(MTLTensorDomain)                                      \
  X(MTLCommandBufferEncoderInfoErrorKey)                  \
  X(MTLCommonCounterTimestamp)                            \
  X(MTLCommonCounterTessellationInputPatches)             \
  X(MTLCommonCounterVertexInvocations)                    \
  X(MTLCommonCounterPostTessellationVertexInvocations)    \
  X(MTLCommonCounterClipperInvocations)                   \
  X(MTLCommonCounterClipperPrimitivesOut)                 \
  X(MTLCommonCounterFragmentInvocations)                  \
  X(MTLCommonCounterFragmentsPassed)                      \
  X(MTLCommonCounterComputeKernelInvocations)             \
  X(MTLCommonCounterTotalCycles)                          \
  X(MTLCommonCounterVertexCycles)                         \
  X(MTLCommonCounterTessellationCycles)                   \
  X(MTLCommonCounterPostTessellationVertexCycles)         \
  X(MTLCommonCounterFragmentCycles)                       \
  X(MTLCommonCounterRenderTargetWriteCycles)              \
  X(MTLCommonCounterSetTimestamp)                         \
  X(MTLCommonCounterSetStageUtilization)                  \
  X(MTLCommonCounterSetStatistic)                         \
  X(MTLCommandBufferErrorDomain)                          \
  X(MTLLibraryErrorDomain)

namespace softmetal {

#define SOFTMETAL_DECLARE(name) extern "C" SOFTMETAL_API String* const name;
SOFTMETAL_STRING_CONSTANTS(SOFTMETAL_DECLARE)
#undef SOFTMETAL_DECLARE

}  // namespace softmetal
