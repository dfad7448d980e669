// Reads one document of a configuration, and notes which fields nobody knew.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/json.h"

namespace kpp::kubeadm {

// Fields of one object, by name. A field of a wrong type is an error that is kept until status().
// Ownership: the object outlives it.
class FieldReader {
 public:
  FieldReader(const json::Object& object, std::string path)
      : object_(object), path_(std::move(path)) {}

  void text(std::string_view name, std::string& out);
  void flag(std::string_view name, bool& out);
  void number(std::string_view name, int& out);
  void texts(std::string_view name, std::vector<std::string>& out);
  template <class Unit>
  void duration(std::string_view name, Unit& out) {
    std::chrono::seconds seconds = std::chrono::duration_cast<std::chrono::seconds>(out);
    read_duration(name, seconds);
    out = std::chrono::duration_cast<Unit>(seconds);
  }
  // The object or the list of objects of that name; nullptr or empty if it is not there.
  const json::Object* object(std::string_view name);
  std::vector<const json::Object*> objects(std::string_view name);
  // A field that is known and not read here.
  void skip(std::string_view name) { known_.emplace(name); }

  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : cat(path_, ".", name);
  }
  std::vector<std::string> unknown() const;
  const Status& status() const { return status_; }

 private:
  const json::Value* find(std::string_view name);
  void wrong(std::string_view name, std::string_view expected);
  void read_duration(std::string_view name, std::chrono::seconds& out);

  const json::Object& object_;
  const std::string path_;
  std::set<std::string, std::less<>> known_;
  Status status_;
};

// "24h0m0s", "90s", "0": as Go reads durations, to whole seconds. kInvalid otherwise.
Result<std::chrono::seconds> parse_duration(std::string_view text);
// "24h0m0s".
std::string duration_text(std::chrono::seconds duration);

}  // namespace kpp::kubeadm
