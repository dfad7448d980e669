// Docker Engine's HTTP API as the shim uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/executor.h"
#include "codec/json.h"
#include "net/client.h"

namespace kpp::dockershim {

// The versions of the API that the shim speaks; the newest that the engine knows too is spoken.
inline constexpr int kOldestApi = 40;  // 1.40: Docker 19.03
inline constexpr int kNewestApi = 45;  // 1.45: Docker 26

// What an engine says of itself.
struct EngineVersion {
  std::string version;      // "20.10.24"
  std::string api_version;  // the newest it speaks
  int spoken = 0;           // the minor number of the version that is spoken
};

struct EngineInfo {
  std::string cgroup_driver;  // "cgroupfs", "systemd"
  std::string root_directory;
  std::vector<std::string> runtimes;
};

// kMethodNotAllowed, with both sides' versions, if there is none in common.
Result<EngineVersion> choose_version(const json::Value& answer);

// Sends requests to an engine on a unix socket.
//
// Guarantees: the engine is asked for its version before anything else, and again after an answer
//   that it could not be reached.
// Ownership: the executor must outlive it; streams may outlive it.
// Runs on: the executor.
// Errors: "Error response from daemon: ..." with the reason of its HTTP code; kServiceUnavailable
//   where no engine answers; kMethodNotAllowed for an engine that is too old.
class Engine {
 public:
  Engine(async::IoExecutor& executor, std::string socket);

  const std::string& socket() const { return socket_; }
  // How often the engine could not be reached: what is known of it may be old when this grows.
  std::uint64_t times_lost() const { return times_lost_; }
  async::Task<Result<EngineVersion>> version(async::StopToken stop);

  // Kept until the engine cannot be reached.
  async::Task<Result<EngineInfo>> info(async::StopToken stop);

  // `path` begins with '/' and has no version; `query` is encoded. null for answers without a body.
  async::Task<Result<json::Value>> get(std::string path, std::string query, async::StopToken stop);
  async::Task<Result<json::Value>> post(std::string path, std::string query, json::Value body,
                                        async::StopToken stop);
  async::Task<Status> remove(std::string path, std::string query, async::StopToken stop);
  // An answer that comes piece by piece.
  async::Task<Result<std::unique_ptr<net::BodySource>>> stream(std::string method, std::string path,
                                                               std::string query,
                                                               net::Headers headers,
                                                               async::StopToken stop);
  // The raw connection of exec and attach.
  async::Task<Result<std::unique_ptr<net::ByteStream>>> upgrade(std::string path, std::string query,
                                                                json::Value body,
                                                                async::StopToken stop);

 private:
  struct Call {
    std::string method, path, query, body;
    net::Headers headers;
  };
  async::Task<Result<net::Request>> prepare(Call call, async::StopToken stop);
  async::Task<Result<json::Value>> send(Call call, async::StopToken stop);
  Status unreachable(Status why);

  const std::string socket_;
  net::HttpClient client_;
  EngineVersion version_;  // spoken == 0: not known
  std::optional<EngineInfo> info_;
  std::uint64_t times_lost_ = 0;
};

// "filters={...}" for lists: {"label": ["a=b"]}.
std::string filters(std::initializer_list<std::pair<std::string_view, std::string>> filters);

}  // namespace kpp::dockershim
