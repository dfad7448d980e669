#include "dockershim/pull.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "dockershim/time_limit.h"

namespace kpp::dockershim {
namespace {

constexpr std::size_t kLongestLine = 1u << 20;

}  // namespace

std::string pull_query(std::string_view image) {
  std::string_view name = image;
  std::string_view tag = "latest";
  if (const std::size_t at = image.find('@'); at != std::string_view::npos) {
    name = image.substr(0, at);
    tag = image.substr(at + 1);
    // A digest decides; a tag beside it is for people.
    const std::size_t colon = name.rfind(':');
    if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos)
      name = name.substr(0, colon);
  } else if (const std::size_t colon = image.rfind(':');
             colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos) {
    name = image.substr(0, colon);
    tag = image.substr(colon + 1);
  }
  return cat("fromImage=", net::percent_encode(name), "&tag=", net::percent_encode(tag));
}

std::string registry_auth(const cri::AuthConfig& auth) {
  json::Object out;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  add("username", auth.username);
  add("password", auth.password);
  // "user:password" as base64.
  if (auth.username.empty() && !auth.auth.empty()) {
    if (const auto plain = base64_decode(auth.auth)) {
      const std::size_t colon = plain->find(':');
      if (colon != std::string::npos) {
        add("username", plain->substr(0, colon));
        add("password", plain->substr(colon + 1));
      }
    }
  }
  add("serveraddress", auth.server_address);
  add("identitytoken", auth.identity_token);
  add("registrytoken", auth.registry_token);
  std::string text = base64_url_encode(json::write(out));
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

Status PullProgress::feed(std::string_view bytes) {
  rest_ += bytes;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
    KPP_RETURN_IF_ERROR(line(std::string_view(rest_).substr(0, end)));
    rest_.erase(0, end + 1);
  }
  if (rest_.size() > kLongestLine)
    return {Reason::kBadRequest, "docker says more of a pull than can be read"};
  return {};
}

Status PullProgress::line(std::string_view text) {
  const auto value = json::parse(text);
  if (!value) return {};
  std::string_view message = json::text_at(*value, "errorDetail.message");
  if (message.empty()) message = json::text_at(*value, "error");
  if (message.empty()) return {};
  return {Reason::kUnknown, std::string(message)};
}

async::Task<Status> ImagePuller::pull(std::string image, cri::AuthConfig auth,
                                      async::StopToken stop) {
  net::Headers headers;
  headers.add("X-Registry-Auth", registry_auth(auth));
  TimeLimit patience(deps_.executor, deps_.options.pull_progress_deadline, stop);
  const async::StopToken token = patience.token();
  auto source =
      co_await deps_.engine.stream("POST", "/images/create", pull_query(image), headers, token);
  PullProgress progress;
  Status failure = source ? Status() : std::move(source).error();
  while (failure.ok()) {
    auto piece = co_await (*source)->next(token);
    if (!piece) {
      failure = std::move(piece).error();
    } else if (*piece == nullptr) {
      break;
    } else {
      patience.restart();
      failure = progress.feed(**piece);
    }
  }
  if (failure.ok() || !patience.over()) co_return failure;
  co_return Status(
      Reason::kTimeout,
      cat("the pull of ", quoted(image), " made no progress for ",
          std::chrono::duration_cast<std::chrono::seconds>(deps_.options.pull_progress_deadline)
              .count(),
          " seconds"));
}

}  // namespace kpp::dockershim
