// What somebody wants to do, and what is said to it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/auth/user.h"

namespace kpp::apiserver {

struct AccessRequest {
  std::string verb, namespace_, group, version, resource, subresource, name;
  std::string path;  // for requests that are not about a resource
  bool is_resource = true;
  // What a list, a watch or a deletion of many is narrowed to: fields that must have a value.
  std::vector<std::pair<std::string, std::string>> field_values = {};

  // The value that a field must have, or nullptr.
  const std::string* required(std::string_view field) const;
};

enum class Verdict : std::uint8_t {
  kNoOpinion,  // others may allow it
  kAllow,
  kDeny,
};

struct Decision {
  Verdict verdict = Verdict::kNoOpinion;
  std::string reason;

  bool allowed() const { return verdict == Verdict::kAllow; }
};

// "User \"x\" cannot list resource \"pods\" in API group \"\" in the namespace \"ns\"".
std::string forbidden_message(const User& user, const AccessRequest& request);

}  // namespace kpp::apiserver
