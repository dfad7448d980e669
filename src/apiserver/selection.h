// Which objects a list, a watch or a collection's deletion is about: scope, label selector, field
// selector.
#pragma once

#include <memory>
#include <string>

#include "apiserver/call.h"
#include "base/status.h"

namespace kpp::apiserver {

class Selection {
 public:
  // From the call's path and query. kBadRequest with the original's parse errors.
  static Result<Selection> parse(const Call& call);
  ~Selection();
  Selection(Selection&&) noexcept;
  Selection& operator=(Selection&&) noexcept;

  bool matches(const CachedObject& object) const;
  // True if nothing but the scope narrows the choice.
  bool everything() const;
  // Prefix of the store keys in scope.
  const std::string& prefix() const { return prefix_; }

 private:
  struct Terms;
  Selection();
  std::string prefix_;
  std::unique_ptr<Terms> terms_;
};

}  // namespace kpp::apiserver
