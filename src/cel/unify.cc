#include "cel/unify.h"

#include "base/cat.h"

namespace kpp::cel {
namespace {

bool is_less_specific(const TypeRef& a, const TypeRef& b) {
  if (a->is_dyn_or_error() || a->kind() == Kind::kParam) return true;
  if (b->is_dyn_or_error() || b->kind() == Kind::kParam) return false;
  if (a->kind() != b->kind() || a->name() != b->name() || a->params().size() != b->params().size())
    return false;
  if (a->kind() == Kind::kType) return true;
  for (std::size_t i = 0; i < a->params().size(); ++i) {
    if (!is_less_specific(a->params()[i], b->params()[i])) return false;
  }
  return true;
}

// Types that null may stand for.
bool is_nullable(const Type& type) {
  return type.kind() == Kind::kNull || type.kind() == Kind::kStruct ||
         type.kind() == Kind::kOpaque || type.kind() == Kind::kTimestamp ||
         type.kind() == Kind::kDuration || type.kind() == Kind::kOptional;
}

}  // namespace

TypeRef more_general(const TypeRef& a, const TypeRef& b) { return is_less_specific(a, b) ? a : b; }

void Substitution::set(const std::string& name, TypeRef type) {
  TypeRef& bound = bound_[name];
  changes_.emplace_back(name, std::exchange(bound, std::move(type)));
}

void Substitution::roll_back(std::size_t to) {
  while (changes_.size() > to) {
    auto& [name, before] = changes_.back();
    if (before) {
      bound_[name] = std::move(before);
    } else {
      bound_.erase(name);
    }
    changes_.pop_back();
  }
}

bool Substitution::assign(const TypeRef& from, const TypeRef& to) {
  return assign_all(std::span(&from, 1), std::span(&to, 1));
}

bool Substitution::assign_all(std::span<const TypeRef> from, std::span<const TypeRef> to) {
  if (from.size() != to.size()) return false;
  const std::size_t before = changes_.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!try_assign(from[i], to[i])) {
      roll_back(before);
      return false;
    }
  }
  return true;
}

bool Substitution::try_assign(const TypeRef& from, const TypeRef& to) {
  if (to->kind() == Kind::kParam) {
    const auto [valid, bound] = bind(to, from);
    if (valid) return true;
    if (bound) return false;
  }
  if (from->kind() == Kind::kParam) {
    const auto [valid, bound] = bind(from, to);
    if (valid || bound) return valid;
  }
  if (from->is_dyn_or_error() || to->is_dyn_or_error()) return true;
  if (from->kind() == Kind::kNull) return is_nullable(*to);
  if (to->kind() == Kind::kNull) return is_nullable(*from);
  if (from->kind() != to->kind() || from->name() != to->name()) return false;
  if (from->kind() == Kind::kType) return true;
  if (from->params().size() != to->params().size()) return false;
  for (std::size_t i = 0; i < from->params().size(); ++i) {
    if (!try_assign(from->params()[i], to->params()[i])) return false;
  }
  return true;
}

std::pair<bool, bool> Substitution::bind(const TypeRef& param, const TypeRef& type) {
  if (type->kind() == Kind::kParam && type->name() == param->name()) return {true, true};
  if (const TypeRef* known = find(param)) {
    const TypeRef old = *known;
    if (!try_assign(old, type)) return {false, true};
    if (type->kind() != Kind::kParam) set(param->name(), more_general(old, type));
    return {true, true};
  }
  if (occurs(param, type)) return {false, false};
  set(param->name(), type);
  return {true, false};
}

const TypeRef* Substitution::find(const TypeRef& param) const {
  const auto it = bound_.find(param->name());
  return it == bound_.end() ? nullptr : &it->second;
}

bool Substitution::occurs(const TypeRef& param, const TypeRef& in) const {
  if (in->kind() == Kind::kParam) {
    if (in->name() == param->name()) return true;
    const TypeRef* bound = find(in);
    return bound != nullptr && occurs(param, *bound);
  }
  for (const TypeRef& each : in->params()) {
    if (occurs(param, each)) return true;
  }
  return false;
}

TypeRef Substitution::replace(const TypeRef& type, bool unknown_to_dyn) const {
  if (type->kind() == Kind::kParam) {
    if (const TypeRef* bound = find(type)) return replace(*bound, unknown_to_dyn);
    return unknown_to_dyn ? Type::of(Kind::kDyn) : type;
  }
  if (type->params().empty()) return type;
  std::vector<TypeRef> params;
  for (const TypeRef& each : type->params()) params.push_back(replace(each, unknown_to_dyn));
  return Type::make(type->kind(), type->name(), std::move(params));
}

TypeRef Substitution::fresh(const TypeRef& type, int use) const {
  if (type->kind() == Kind::kParam) return Type::param(cat(type->name(), "#", use));
  if (type->params().empty()) return type;
  std::vector<TypeRef> params;
  for (const TypeRef& each : type->params()) params.push_back(fresh(each, use));
  return Type::make(type->kind(), type->name(), std::move(params));
}

}  // namespace kpp::cel
