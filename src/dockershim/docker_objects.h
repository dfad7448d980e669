// What Docker says of its containers, as far as the shim asks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "codec/json.h"
#include "dockershim/names.h"

namespace kpp::dockershim {

// A container in a list.
struct ListedContainer {
  std::string id, name, image, image_id;
  std::string state;          // "created", "running", "exited", ...
  std::int64_t created = 0;   // seconds
  std::int64_t size_rw = -1;  // -1: not asked for
  Labels labels;

  bool is_running() const { return state == "running" || state == "paused"; }
};

struct MountPoint {
  std::string source, destination, propagation;
  bool writable = false;
};

// A container looked at. Times are nanoseconds since 1970; 0: never.
struct InspectedContainer {
  std::string id, name, image, image_id;
  std::int64_t created = 0, started = 0, finished = 0;
  bool running = false, paused = false, oom_killed = false;
  std::int64_t pid = 0;
  std::int32_t exit_code = 0;
  std::string error;
  Labels labels;
  bool tty = false, open_stdin = false;
  std::string user;
  std::string resolv_conf_path;
  std::string network_mode, pid_mode, ipc_mode, runtime;
  std::vector<MountPoint> mounts;
  std::int64_t memory = 0, cpu_shares = 0, cpu_quota = 0, cpu_period = 0, oom_score_adj = 0;
  std::string cpuset_cpus, cpuset_mems;
  std::int64_t size_rw = -1;
};

std::vector<ListedContainer> parse_containers(const json::Value& list);
InspectedContainer parse_container(const json::Value& value);
Labels parse_labels(const json::Value* object);
std::vector<std::string> parse_texts(const json::Value* array);

// "2026-11-25T19:40:54.174796027Z" in nanoseconds since 1970; 0 for Go's zero time and for what is
// no time.
std::int64_t parse_nanoseconds(std::string_view time);
// The way back, always with nine digits.
std::string nanoseconds_text(std::int64_t time);

}  // namespace kpp::dockershim
