#include "controllers/account_transports.h"

namespace kpp::controllers {

net::Transport& TokenAccountTransports::of(std::string_view account) {
  auto& slot = made_[std::string(account)];
  if (!slot) {
    slot = std::make_unique<client::BearerTransport>(
        anonymous_, std::make_unique<client::ServiceAccountTokenSource>(
                        executor_, issuer_, api::ObjectKey{"kube-system", std::string(account)}));
  }
  return *slot;
}

}  // namespace kpp::controllers
