// Each controller acts as a service account of its own, with that account's rights alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "client/token_source.h"

namespace kpp::controllers {

// Ways to the API server, one for each service account of kube-system.
class AccountTransports {
 public:
  virtual ~AccountTransports() = default;
  // Acts as the account; lives as long as this.
  virtual net::Transport& of(std::string_view account) = 0;
};

// By tokens of the accounts (--use-service-account-credentials).
//
// Guarantees: an account that is missing is made; a token is renewed before it ends.
// Ownership: all that is given must outlive it. `anonymous` shows no certificate of its own;
//   `issuer` may ask for tokens and make accounts.
class TokenAccountTransports final : public AccountTransports {
 public:
  TokenAccountTransports(async::Executor& executor, net::Transport& anonymous,
                         client::Client& issuer)
      : executor_(executor), anonymous_(anonymous), issuer_(issuer) {}
  net::Transport& of(std::string_view account) override;

 private:
  async::Executor& executor_;
  net::Transport& anonymous_;
  client::Client& issuer_;
  std::map<std::string, std::unique_ptr<net::Transport>, std::less<>> made_;
};

}  // namespace kpp::controllers
