// The operations table of a generated type. Included by generated sources only.
#pragma once

#include "api/schema.h"

namespace kpp::api {

template <class T>
inline constexpr TypeOps kTypeOps = {
    [] { return static_cast<void*>(new T()); },
    [](void* p) { delete static_cast<T*>(p); },
    [](void* to, const void* from) { *static_cast<T*>(to) = *static_cast<const T*>(from); },
    [](const void* l) { return static_cast<const std::vector<T>*>(l)->size(); },
    [](const void* l, std::size_t i) {
      return static_cast<const void*>(&(*static_cast<const std::vector<T>*>(l))[i]);
    },
    [](void* l) { return static_cast<void*>(&static_cast<std::vector<T>*>(l)->emplace_back()); },
    [](void* l) { static_cast<std::vector<T>*>(l)->clear(); },
    [](const void* o) { return static_cast<const void*>(static_cast<const Opt<T>*>(o)->get()); },
    [](void* o) { return static_cast<void*>(&static_cast<Opt<T>*>(o)->emplace()); },
    [](void* o) { static_cast<Opt<T>*>(o)->reset(); },
    [](const void* m) { return static_cast<const std::map<std::string, T>*>(m)->size(); },
    [](const void* m, void* context, void (*call)(void*, const std::string&, const void*)) {
      for (const auto& [key, value] : *static_cast<const std::map<std::string, T>*>(m)) {
        call(context, key, &value);
      }
    },
    [](void* m, const std::string& key) {
      auto& map = *static_cast<std::map<std::string, T>*>(m);
      map.erase(key);
      return static_cast<void*>(&map[key]);
    },
    [](void* m) { static_cast<std::map<std::string, T>*>(m)->clear(); },
};

}  // namespace kpp::api
