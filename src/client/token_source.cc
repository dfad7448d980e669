#include "client/token_source.h"

#include "api/authenticationv1.h"
#include "api/corev1.h"
#include "api/meta.h"
#include "base/fs.h"

namespace kpp::client {
namespace {

constexpr std::chrono::minutes kFileAge{1};
constexpr std::chrono::seconds kTokenLife{3600};
constexpr std::size_t kMaxTokenFile = 1u << 20;

}  // namespace

async::Task<Result<std::string>> FileTokenSource::token(async::StopToken) {
  if (read_at_ && clock_.steady() - *read_at_ < kFileAge) co_return token_;
  auto text = fs::read_file(path_, kMaxTokenFile);
  if (!text) co_return fail(std::move(text).error().with_context("reading the bearer token"));
  token_ = std::move(*text);
  while (!token_.empty() && (token_.back() == '\n' || token_.back() == '\r')) token_.pop_back();
  if (token_.empty()) co_return fail(Reason::kUnauthorized, cat("no token in ", path_));
  read_at_ = clock_.steady();
  co_return token_;
}

async::Task<Result<std::string>> ServiceAccountTokenSource::token(async::StopToken stop) {
  if (is_fresh()) co_return token_;
  const bool mine = co_await asking_.acquire(stop);
  if (!mine) co_return fail(Reason::kCanceled, "stopped");
  Status done;
  if (!is_fresh()) done = co_await ask(stop);
  asking_.release();
  if (!done.ok()) {
    co_return fail(std::move(done).with_context(
        cat("getting a token of service account ", account_.namespace_, "/", account_.name)));
  }
  co_return token_;
}

async::Task<Status> ServiceAccountTokenSource::ask(async::StopToken stop) {
  authenticationv1::TokenRequest wanted;
  wanted.spec.expiration_seconds = kTokenLife.count();
  for (bool made = false;; made = true) {
    net::Request request;
    request.method = "POST";
    request.path = api::resource_path(corev1::ServiceAccount::desc(), account_.namespace_,
                                      account_.name, "token");
    request.headers.add("Accept", "application/json");
    request.headers.add("Content-Type", "application/json");
    api::to_json(request.body, authenticationv1::TokenRequest::desc(), &wanted);
    const WallTime asked = executor_.wall();
    auto answer = co_await client_.raw(std::move(request), false, stop);
    if (!answer) {
      if (made || !answer.error().is(Reason::kNotFound)) co_return std::move(answer).error();
      KPP_CO_RETURN_IF_ERROR(co_await ensure_account(stop));
      continue;
    }
    authenticationv1::TokenRequest got;
    KPP_CO_RETURN_IF_ERROR(
        api::from_json_text(answer->body_text(), authenticationv1::TokenRequest::desc(), &got));
    token_ = std::move(got.status.token);
    renew_at_ = asked + (got.status.expiration_timestamp.wall() - asked) * 4 / 5;
    co_return Status();
  }
}

async::Task<Status> ServiceAccountTokenSource::ensure_account(async::StopToken stop) {
  corev1::ServiceAccount account;
  account.metadata.namespace_ = account_.namespace_;
  account.metadata.name = account_.name;
  auto created = co_await client_.create<corev1::ServiceAccount>(std::move(account), stop);
  if (created || created.error().is(Reason::kAlreadyExists)) co_return Status();
  co_return std::move(created).error();
}

async::Task<Result<net::Response>> BearerTransport::send(net::Request request, bool want_stream,
                                                         async::StopToken stop) {
  if (!request.headers.find("Authorization")) {
    auto token = co_await source_->token(stop);
    if (!token) co_return std::unexpected(std::move(token).error());
    request.headers.add("Authorization", cat("Bearer ", *token));
  }
  auto response = co_await inner_.send(std::move(request), want_stream, stop);
  if (response && response->status == 401) source_->refused();
  co_return response;
}

}  // namespace kpp::client
