// Which requests are written down, and how much of them: a Policy of audit.k8s.io/v1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/access.h"
#include "base/status.h"
#include "codec/json.h"

namespace kpp::apiserver {

enum class AuditLevel : std::uint8_t { kNone, kMetadata, kRequest, kRequestResponse };
enum class AuditStage : std::uint8_t {
  kRequestReceived,
  kResponseStarted,
  kResponseComplete,
  kPanic
};
inline constexpr std::string_view kAuditLevelNames[] = {"None", "Metadata", "Request",
                                                        "RequestResponse"};
inline constexpr std::string_view kAuditStageNames[] = {"RequestReceived", "ResponseStarted",
                                                        "ResponseComplete", "Panic"};

struct AuditDecision {
  AuditLevel level = AuditLevel::kNone;
  std::uint8_t omitted = 0;             // a bit for each stage
  bool without_managed_fields = false;  // of the objects

  bool writes(AuditStage stage) const {
    return level != AuditLevel::kNone && (omitted & (1u << static_cast<unsigned>(stage))) == 0;
  }
};

struct AuditRule {
  struct Resources {
    std::string group;
    std::vector<std::string> resources, names;
  };
  AuditLevel level = AuditLevel::kNone;
  std::vector<std::string> users, groups, verbs, namespaces, paths;
  std::vector<Resources> resources;
  std::uint8_t omitted = 0;
  std::optional<bool> without_managed_fields;  // nullopt: as the policy says

  bool matches(const User& user, const AccessRequest& access) const;
};

// Guarantees: the first rule that matches decides; what none matches is not written down.
class AuditPolicy {
 public:
  // Everything at one level.
  static AuditPolicy all(AuditLevel level);
  // Of a Policy in YAML or JSON. kInvalid, naming the field.
  static Result<AuditPolicy> parse(std::string_view text);

  AuditDecision decide(const User& user, const AccessRequest& access) const;

 private:
  Status add_rule(const json::Value& rule, std::size_t index);

  std::vector<AuditRule> rules_;
  std::uint8_t omitted_ = 0;
  bool without_managed_fields_ = false;
};

}  // namespace kpp::apiserver
