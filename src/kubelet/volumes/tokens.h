// Tokens of service accounts for pods, by TokenRequest.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "api/corev1.h"
#include "async/executor.h"
#include "client/client.h"

namespace kpp::kubelet {

// Guarantees: a token is reused until four fifths of its life, or 24 hours, are over. An old one
// that still lives is
//   used if a new one cannot be had.
// Runs on: its executor only.
class Tokens {
 public:
  Tokens(async::Executor& executor, client::Client& client)
      : executor_(executor), client_(client) {}

  // Bound to the pod. Errors: "failed to fetch token: ...".
  async::Task<Result<std::string>> get(std::shared_ptr<const corev1::Pod> pod, std::string audience,
                                       std::int64_t expiration_seconds, async::StopToken stop);
  void forget(const std::string& uid);
  // When the first token of a pod wants to be replaced.
  std::optional<WallTime> refresh_at(const std::string& uid) const;

 private:
  struct Token {
    std::string text;
    WallTime refresh_at, expires_at;
  };
  using Key = std::tuple<std::string, std::string, std::int64_t>;  // uid, audience, expiration

  async::Executor& executor_;
  client::Client& client_;
  std::map<Key, Token> tokens_;
};

}  // namespace kpp::kubelet
