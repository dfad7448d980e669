// Bearer tokens that change while their user runs: of a file, or of a service account.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "async/wait.h"
#include "client/client.h"

namespace kpp::client {

// Runs on: one executor.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // The token to send now.
  virtual async::Task<Result<std::string>> token(async::StopToken stop) = 0;
  // The server refused the last one: the next call gets a new one.
  virtual void refused() = 0;
};

// Whatever stands in a file, read again once a minute: the kubelet renews the tokens of pods.
class FileTokenSource final : public TokenSource {
 public:
  FileTokenSource(const Clock& clock, std::string path) : clock_(clock), path_(std::move(path)) {}
  async::Task<Result<std::string>> token(async::StopToken stop) override;
  void refused() override { read_at_.reset(); }

 private:
  const Clock& clock_;
  const std::string path_;
  std::string token_;
  std::optional<TimePoint> read_at_;
};

// Tokens of a service account, asked for with the rights of `client`; the account is made where it
// is missing.
//
// Guarantees: a new token is asked for when a fifth of the old one's life is left; several users at
//   once cause one question.
// Ownership: executor and client must outlive it.
class ServiceAccountTokenSource final : public TokenSource {
 public:
  ServiceAccountTokenSource(async::Executor& executor, Client& client, api::ObjectKey account)
      : executor_(executor), client_(client), account_(std::move(account)), asking_(executor, 1) {}
  async::Task<Result<std::string>> token(async::StopToken stop) override;
  void refused() override { renew_at_.reset(); }

 private:
  bool is_fresh() const { return renew_at_ && executor_.wall() < *renew_at_; }
  async::Task<Status> ask(async::StopToken stop);
  async::Task<Status> ensure_account(async::StopToken stop);

  async::Executor& executor_;
  Client& client_;
  const api::ObjectKey account_;
  async::Semaphore asking_;
  std::string token_;
  std::optional<WallTime> renew_at_;  // empty: there is no token
};

// Adds the token to each request that says nothing of who sends it.
//
// Ownership: owns the source; `inner` must outlive it, or is owned where it is given as a pointer.
// Errors: those of the source and of `inner`. A 401 is the answer once; the next request brings a
//   new token.
class BearerTransport final : public net::Transport {
 public:
  BearerTransport(net::Transport& inner, std::unique_ptr<TokenSource> source)
      : inner_(inner), source_(std::move(source)) {}
  BearerTransport(std::unique_ptr<net::Transport> inner, std::unique_ptr<TokenSource> source)
      : owned_(std::move(inner)), inner_(*owned_), source_(std::move(source)) {}
  async::Task<Result<net::Response>> send(net::Request request, bool want_stream,
                                          async::StopToken stop) override;

 private:
  const std::unique_ptr<net::Transport> owned_;
  net::Transport& inner_;
  const std::unique_ptr<TokenSource> source_;
};

}  // namespace kpp::client
