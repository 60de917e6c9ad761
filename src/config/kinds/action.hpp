// What a caller can ask for: the closed list of actions, their spelling in Roles, audit records and logs, and sets of them.
// The action of a request follows from the route that it matched (method and path template), never from a prefix of its URL.
// Threads: values; sets never allocate.
#pragma once

#include "config/kinds/enums.hpp"

namespace wye::config {

/// Data plane first, then what administrators do; `kFirstAdminAction` parts them. Adding one adds its spelling below.
enum class Action : uint8_t {
  kChatCreate,
  kCompletionsCreate,
  kResponsesCreate,
  kResponsesGet,
  kResponsesDelete,
  kEmbeddingsCreate,
  kRerankCreate,
  kModerationsCreate,
  kImagesCreate,
  kAudioTranscribe,
  kAudioTranslate,
  kAudioSpeech,
  kInferCreate,
  kModelsList,
  kModelsGet,
  kFilesCreate,
  kFilesList,
  kFilesGet,
  kFilesContent,
  kFilesDelete,
  kUploadsCreate,
  kUploadsComplete,
  kUploadsCancel,
  kBatchesCreate,
  kBatchesList,
  kBatchesGet,
  kBatchesCancel,
  kTuningCreate,
  kTuningList,
  kTuningGet,
  kTuningCancel,
  kTuningPause,
  kTuningResume,
  kIndexesCreate,
  kIndexesList,
  kIndexesGet,
  kIndexesDelete,
  kSearchQuery,
  kSummaryCreate,
  kPipelinesRun,
  kPipelinesList,
  kPipelinesGet,
  kPipelinesCancel,
  kConfigRead,
  kConfigPlan,
  kConfigApply,
  kConfigRollback,
  kExplainRun,
  kSimulateRun,
  kAccessRead,
  kAccessExplain,
  kKeysCreate,
  kKeysRotate,
  kKeysRevoke,
  kKeysList,
  kCredentialsTest,
  kModelsRegister,
  kModelsPromote,
  kModelsDelete,
  kRolloutsCreate,
  kRolloutsGet,
  kRolloutsAdvance,
  kRolloutsPause,
  kRolloutsPromote,
  kRolloutsAbort,
  kPoolsGet,
  kPoolsPlan,
  kPoolsScale,
  kPoolsUpgrade,
  kPoolsRollback,
  kWafExplain,
  kWafTune,
  kCachePurge,
  kUsageRead,
  kMetricsRead,
  kAuditRead,
  kAuditVerify,
  kSessionsRevoke,
};
inline constexpr Action kFirstAdminAction = Action::kConfigRead;

template <>
struct EnumNames<Action> {
  static constexpr std::array kNames = {
      EnumName{"chat.create"},      EnumName{"completions.create"}, EnumName{"responses.create"}, EnumName{"responses.get"},
      EnumName{"responses.delete"}, EnumName{"embeddings.create"},  EnumName{"rerank.create"},    EnumName{"moderations.create"},
      EnumName{"images.create"},    EnumName{"audio.transcribe"},   EnumName{"audio.translate"},  EnumName{"audio.speech"},
      EnumName{"infer.create"},     EnumName{"models.list"},        EnumName{"models.get"},       EnumName{"files.create"},
      EnumName{"files.list"},       EnumName{"files.get"},          EnumName{"files.content"},    EnumName{"files.delete"},
      EnumName{"uploads.create"},   EnumName{"uploads.complete"},   EnumName{"uploads.cancel"},   EnumName{"batches.create"},
      EnumName{"batches.list"},     EnumName{"batches.get"},        EnumName{"batches.cancel"},   EnumName{"tuning.create"},
      EnumName{"tuning.list"},      EnumName{"tuning.get"},         EnumName{"tuning.cancel"},    EnumName{"tuning.pause"},
      EnumName{"tuning.resume"},    EnumName{"indexes.create"},     EnumName{"indexes.list"},     EnumName{"indexes.get"},
      EnumName{"indexes.delete"},   EnumName{"search.query"},       EnumName{"summary.create"},   EnumName{"pipelines.run"},
      EnumName{"pipelines.list"},   EnumName{"pipelines.get"},      EnumName{"pipelines.cancel"}, EnumName{"config.read"},
      EnumName{"config.plan"},      EnumName{"config.apply"},       EnumName{"config.rollback"},  EnumName{"explain.run"},
      EnumName{"simulate.run"},     EnumName{"access.read"},        EnumName{"access.explain"},   EnumName{"keys.create"},
      EnumName{"keys.rotate"},      EnumName{"keys.revoke"},        EnumName{"keys.list"},        EnumName{"credentials.test"},
      EnumName{"models.register"},  EnumName{"models.promote"},     EnumName{"models.delete"},    EnumName{"rollouts.create"},
      EnumName{"rollouts.get"},     EnumName{"rollouts.advance"},   EnumName{"rollouts.pause"},   EnumName{"rollouts.promote"},
      EnumName{"rollouts.abort"},   EnumName{"pools.get"},          EnumName{"pools.plan"},       EnumName{"pools.scale"},
      EnumName{"pools.upgrade"},    EnumName{"pools.rollback"},     EnumName{"waf.explain"},      EnumName{"waf.tune"},
      EnumName{"cache.purge"},      EnumName{"usage.read"},         EnumName{"metrics.read"},     EnumName{"audit.read"},
      EnumName{"audit.verify"},     EnumName{"sessions.revoke"}};
};
inline constexpr size_t kActionCount = EnumNames<Action>::kNames.size();
static_assert(kActionCount == static_cast<size_t>(Action::kSessionsRevoke) + 1);
static_assert(to_string(Action::kModelsList) == "models.list" && to_string(kFirstAdminAction) == "config.read");

/// Whether only administrators ask for it.
constexpr bool is_admin(Action action) { return action >= kFirstAdminAction; }

/// A set of actions: two words.
class ActionSet {
 public:
  constexpr ActionSet() = default;
  constexpr ActionSet(std::initializer_list<Action> actions) {
    for (const Action a : actions) insert(a);
  }
  static constexpr ActionSet all() { return between(0, kActionCount); }
  static constexpr ActionSet data_plane() { return between(0, static_cast<size_t>(kFirstAdminAction)); }
  static constexpr ActionSet admin() { return between(static_cast<size_t>(kFirstAdminAction), kActionCount); }

  constexpr void insert(Action a) { words_[word(a)] |= bit(a); }
  constexpr bool contains(Action a) const { return (words_[word(a)] & bit(a)) != 0; }
  constexpr bool empty() const { return (words_[0] | words_[1]) == 0; }
  constexpr size_t size() const { return static_cast<size_t>(std::popcount(words_[0]) + std::popcount(words_[1])); }
  /// What is in this set and not in `other`.
  constexpr ActionSet without(ActionSet other) const { return ActionSet(words_[0] & ~other.words_[0], words_[1] & ~other.words_[1]); }
  friend constexpr ActionSet operator|(ActionSet a, ActionSet b) { return ActionSet(a.words_[0] | b.words_[0], a.words_[1] | b.words_[1]); }
  friend constexpr ActionSet operator&(ActionSet a, ActionSet b) { return ActionSet(a.words_[0] & b.words_[0], a.words_[1] & b.words_[1]); }
  friend constexpr bool operator==(ActionSet, ActionSet) = default;

 private:
  constexpr ActionSet(uint64_t low, uint64_t high) : words_{low, high} {}
  static constexpr size_t word(Action a) { return static_cast<size_t>(a) / 64; }
  static constexpr uint64_t bit(Action a) { return uint64_t{1} << (static_cast<size_t>(a) % 64); }
  static constexpr ActionSet between(size_t from, size_t to) {
    ActionSet set;
    for (size_t i = from; i < to; ++i) set.insert(static_cast<Action>(i));
    return set;
  }
  std::array<uint64_t, 2> words_{};
};
static_assert(kActionCount <= 128);

}  // namespace wye::config
