// A rule gives one message type its defaults. Rules of a message run before those of the messages
// in it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "api/defaults/defaults.h"
#include "api/schema.h"

namespace kpp::api::defaults {

struct Rule {
  const TypeDesc& (*type)();
  void (*apply)(void* message, SentEmpty sent_empty);
};

// Makes a Rule of a function that takes the message by reference.
template <class T, void (*kApply)(T&)>
constexpr Rule rule() {
  return {&T::desc, [](void* message, SentEmpty) { kApply(*static_cast<T*>(message)); }};
}
// The same of one that fills lists only where they are absent; for a type that is a whole object.
template <class T, void (*kApply)(T&, SentEmpty)>
constexpr Rule rule() {
  return {&T::desc, [](void* message, SentEmpty sent_empty) {
            kApply(*static_cast<T*>(message), sent_empty);
          }};
}

template <class T>
void set(std::optional<T>& field, std::type_identity_t<T> value) {
  if (!field) field = std::move(value);
}
inline void set(std::string& field, std::string_view value) {
  if (field.empty()) field = value;
}
template <class T>
  requires std::is_arithmetic_v<T>
void set(T& field, std::type_identity_t<T> value) {
  if (field == 0) field = value;
}

// "Always" for images without a tag or digest or with the tag latest, "IfNotPresent" otherwise.
std::string_view pull_policy(std::string_view image);

std::span<const Rule> pod_rules();
std::span<const Rule> core_rules();
std::span<const Rule> apps_rules();
std::span<const Rule> batch_rules();
std::span<const Rule> autoscaling_rules();
std::span<const Rule> networking_rules();
std::span<const Rule> rbac_rules();
std::span<const Rule> storage_rules();
std::span<const Rule> admissionregistration_rules();
std::span<const Rule> flowcontrol_rules();
std::span<const Rule> resource_rules();
std::span<const Rule> extension_rules();

}  // namespace kpp::api::defaults
