// The operations table of a generated type. Included by generated sources only.
#pragma once

#include "api/schema.h"

namespace kpp::api {

// Which containers of a type the schema uses; operations on others are left out (nullptr).
enum Containers : unsigned { kInList = 1, kInOpt = 2, kInMap = 4 };

namespace ops {
template <class T>
void* make() {
  return new T();
}
template <class T>
void destroy(void* p) {
  delete static_cast<T*>(p);
}
template <class T>
void assign(void* to, const void* from) {
  *static_cast<T*>(to) = *static_cast<const T*>(from);
}
template <class T>
std::size_t list_size(const void* l) {
  return static_cast<const std::vector<T>*>(l)->size();
}
template <class T>
const void* list_at(const void* l, std::size_t i) {
  return static_cast<const std::vector<T>*>(l)->data() + i;
}
template <class T>
void* list_add(void* l) {
  auto& list = *static_cast<std::vector<T>*>(l);
  list.emplace_back();
  return &list.back();
}
template <class T>
void list_clear(void* l) {
  static_cast<std::vector<T>*>(l)->clear();
}
template <class T>
const void* opt_get(const void* o) {
  return static_cast<const Opt<T>*>(o)->get();
}
template <class T>
void* opt_make(void* o) {
  return &static_cast<Opt<T>*>(o)->emplace();
}
template <class T>
void opt_reset(void* o) {
  static_cast<Opt<T>*>(o)->reset();
}
template <class T>
std::size_t map_size(const void* m) {
  return static_cast<const std::map<std::string, T>*>(m)->size();
}
template <class T>
void map_each(const void* m, void* context, void (*call)(void*, const std::string&, const void*)) {
  for (const auto& [key, value] : *static_cast<const std::map<std::string, T>*>(m)) {
    call(context, key, &value);
  }
}
template <class T>
void* map_add(void* m, const std::string& key) {
  auto& map = *static_cast<std::map<std::string, T>*>(m);
  map.erase(key);
  return &map[key];
}
template <class T>
void map_clear(void* m) {
  static_cast<std::map<std::string, T>*>(m)->clear();
}
}  // namespace ops

template <class T, unsigned kContainers>
constexpr TypeOps make_ops() {
  TypeOps out{};
  out.make = &ops::make<T>;
  out.destroy = &ops::destroy<T>;
  out.assign = &ops::assign<T>;
  if constexpr ((kContainers & kInList) != 0) {
    out.list_size = &ops::list_size<T>;
    out.list_at = &ops::list_at<T>;
    out.list_add = &ops::list_add<T>;
    out.list_clear = &ops::list_clear<T>;
  }
  if constexpr ((kContainers & kInOpt) != 0) {
    out.opt_get = &ops::opt_get<T>;
    out.opt_make = &ops::opt_make<T>;
    out.opt_reset = &ops::opt_reset<T>;
  }
  if constexpr ((kContainers & kInMap) != 0) {
    out.map_size = &ops::map_size<T>;
    out.map_each = &ops::map_each<T>;
    out.map_add = &ops::map_add<T>;
    out.map_clear = &ops::map_clear<T>;
  }
  return out;
}
template <class T, unsigned kContainers>
inline constexpr TypeOps kTypeOps = make_ops<T, kContainers>();

}  // namespace kpp::api
