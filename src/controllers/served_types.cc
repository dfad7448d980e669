#include "controllers/served_types.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/cat.h"

namespace kpp::controllers {
namespace {

bool has_verb(std::string_view verbs, std::string_view wanted) {
  while (!verbs.empty()) {
    const auto comma = verbs.find(',');
    if (verbs.substr(0, comma) == wanted) return true;
    verbs = comma == std::string_view::npos ? std::string_view() : verbs.substr(comma + 1);
  }
  return false;
}

}  // namespace

std::vector<const api::TypeDesc*> served_types(std::initializer_list<std::string_view> verbs) {
  std::vector<const api::TypeDesc*> out;
  std::set<std::string> seen;
  for (const auto* type : api::all_types()) {
    if (!type->resource || type->gvks.empty() || type->resource->plural == "events") continue;
    const bool all = std::all_of(verbs.begin(), verbs.end(), [&](std::string_view verb) {
      return has_verb(type->resource->verbs, verb);
    });
    if (!all) continue;
    if (seen.insert(cat(type->resource->plural, ".", type->gvks.front().group)).second)
      out.push_back(type);
  }
  return out;
}

}  // namespace kpp::controllers
