#include "kubelet/images.h"

#include <algorithm>
#include <cctype>

namespace kpp::kubelet {
namespace {

constexpr Duration kFirstWait = std::chrono::seconds(10);
constexpr Duration kLongestWait = std::chrono::seconds(300);

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Path components: lower case letters and digits, parted by one '.', one or two '_' or any number
// of '-'.
bool valid_path(std::string_view path) {
  bool separated = true;  // a component may not begin with a separator
  for (std::size_t i = 0; i < path.size();) {
    if (lower_or_digit(path[i])) {
      separated = false;
      ++i;
      continue;
    }
    if (separated) return false;
    separated = true;
    const char c = path[i];
    std::size_t run = 0;
    while (i + run < path.size() && path[i + run] == c) ++run;
    if (c == '/' || c == '.') {
      if (run != 1) return false;
    } else if (c == '_') {
      if (run > 2) return false;
    } else if (c != '-') {
      return false;
    }
    i += run;
  }
  return !separated;
}

bool word(char c) { return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

bool valid_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && word(tag[0]) &&
         std::ranges::all_of(tag, [](char c) { return word(c) || c == '.' || c == '-'; });
}

bool valid_digest(std::string_view digest) {
  const std::size_t colon = digest.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view hex = digest.substr(colon + 1);
  return hex.size() >= 32 && std::ranges::all_of(hex, [](char c) {
           return std::isxdigit(static_cast<unsigned char>(c));
         });
}

bool valid_domain(std::string_view domain) {
  return std::ranges::all_of(domain, [](char c) {
    return word(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
}

ImageUser user_of(const cri::Image& image) {
  ImageUser out;
  if (image.uid) out.uid = image.uid->value;
  out.username = image.username;
  return out;
}

std::string policy_of(const corev1::Container& container) {
  return container.image_pull_policy.empty() ? "IfNotPresent" : container.image_pull_policy;
}

}  // namespace

Result<std::string> with_default_tag(const std::string& image) {
  const auto refuse = [&](std::string_view why) {
    return fail(Reason::kInvalid, cat("couldn't parse image name ", quoted(image), ": ", why));
  };
  std::string_view name = image;
  std::string_view digest;
  bool has_digest = false;
  if (const auto at = name.find('@'); at != std::string_view::npos) {
    digest = name.substr(at + 1);
    name = name.substr(0, at);
    has_digest = true;
  }
  std::string_view tag;
  bool has_tag = false;
  const auto slash = name.rfind('/');
  if (const auto colon = name.rfind(':');
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    tag = name.substr(colon + 1);
    name = name.substr(0, colon);
    has_tag = true;
  }
  std::string_view domain;
  std::string_view path = name;
  if (const auto first = name.find('/'); first != std::string_view::npos) {
    const std::string_view head = name.substr(0, first);
    const bool upper = std::ranges::any_of(head, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (head.find_first_of(".:") != std::string_view::npos || head == "localhost" || upper) {
      domain = head;
      path = name.substr(first + 1);
    }
  }
  if (std::ranges::any_of(path, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return refuse(cat("invalid reference format: repository name (", path, ") must be lowercase"));
  }
  if (!valid_path(path) || !valid_domain(domain) || (has_tag && !valid_tag(tag)) ||
      (has_digest && !valid_digest(digest))) {
    return refuse("invalid reference format");
  }
  if (has_tag || has_digest) return image;
  return image + ":latest";
}

std::string go_duration(Duration time) {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(time).count();
  if (ms == 0) return "0s";
  if (ms < 1000) return cat(ms, "ms");
  const auto hours = ms / 3'600'000;
  const auto minutes = ms / 60'000 % 60;
  const auto rest = ms % 60'000;
  std::string seconds = cat(rest / 1000);
  if (rest % 1000 != 0) {
    std::string fraction = cat(rest % 1000 + 1000).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    seconds += cat(".", fraction);
  }
  std::string out;
  if (hours > 0) out += cat(hours, "h");
  if (hours > 0 || minutes > 0) out += cat(minutes, "m");
  return out + seconds + "s";
}

std::optional<TimePoint> Images::retry_at(const std::string& uid, const std::string& image) const {
  const auto it = back_off_.find({uid, image});
  if (it == back_off_.end()) return std::nullopt;
  const TimePoint at = it->second.since + it->second.wait;
  if (at <= executor_.steady()) return std::nullopt;
  return at;
}

void Images::forget(const std::string& uid) {
  std::erase_if(back_off_, [&](const auto& item) { return item.first.first == uid; });
}

async::Task<std::expected<Images::Ready, StartError>> Images::ensure(
    std::shared_ptr<const corev1::Pod> pod, corev1::Container container,
    cri::PodSandboxConfig sandbox, std::vector<cri::AuthConfig> credentials, Report report,
    async::StopToken stop) {
  const auto name = with_default_tag(container.image);
  if (!name) {
    std::string message = cat("Failed to apply default image tag ", quoted(container.image), ": ",
                              name.error().message());
    report("Warning", "InspectFailed", message);
    co_return std::unexpected(StartError{"InvalidImageName", std::move(message)});
  }
  cri::ImageSpec spec;
  spec.image = *name;
  spec.annotations = pod->metadata.annotations;
  auto present = co_await runtime_.image_status(spec, stop);
  if (!present) {
    std::string message = cat("Failed to inspect image ", quoted(container.image), ": ",
                              rpc_error_text(present.error()));
    report("Warning", "InspectFailed", message);
    co_return std::unexpected(StartError{"ImageInspectError", std::move(message)});
  }
  const std::string policy = policy_of(container);
  const bool is_present = present->has_value();
  if (is_present && policy != "Always") {
    report("Normal", "Pulled",
           cat("Container image ", quoted(container.image),
               " already present on machine and can be accessed by the pod"));
    co_return Ready{(*present)->id, user_of(**present)};
  }
  if (policy == "Never") {
    std::string message = cat("Container image ", quoted(container.image),
                              " is not present with pull policy of Never");
    report("Warning", "ErrImageNeverPull", message);
    co_return std::unexpected(StartError{"ErrImageNeverPull", std::move(message)});
  }
  if (retry_at(pod->metadata.uid, container.image)) {
    std::string message = cat("Back-off pulling image ", quoted(container.image));
    report("Normal", "BackOff", message);
    const auto& entry = back_off_[{pod->metadata.uid, container.image}];
    if (!entry.error.empty()) message += cat(": ", entry.error);
    co_return std::unexpected(StartError{"ImagePullBackOff", std::move(message)});
  }
  auto pulled = co_await pull(pod, std::move(container), std::move(spec), std::move(sandbox),
                              std::move(credentials), std::move(report), std::move(stop));
  co_return pulled;
}

async::Task<std::expected<Images::Ready, StartError>> Images::pull(
    std::shared_ptr<const corev1::Pod> pod, corev1::Container container, cri::ImageSpec spec,
    cri::PodSandboxConfig sandbox, std::vector<cri::AuthConfig> credentials, Report report,
    async::StopToken stop) {
  const TimePoint started = executor_.steady();
  report("Normal", "Pulling", cat("Pulling image ", quoted(container.image)));
  cri::PullImageRequest request;
  request.image = spec;
  request.sandbox_config = std::move(sandbox);
  // Each credential that may fit, until one does.
  Result<std::string> pulled;
  std::size_t next = 0;
  do {
    if (next < credentials.size()) request.auth = credentials[next];
    pulled = co_await runtime_.pull_image(request, stop);
  } while (!pulled && !stop.stop_requested() && ++next < credentials.size());
  const std::pair<std::string, std::string> key{pod->metadata.uid, container.image};
  if (!pulled) {
    const std::string why = pull_error_text(pulled.error());
    if (!stop.stop_requested()) {
      report("Warning", "Failed", cat("Failed to pull image ", quoted(container.image), ": ", why));
    }
    auto& entry = back_off_[key];
    const TimePoint now = executor_.steady();
    const bool old = entry.wait.count() == 0 || now - entry.since > 2 * kLongestWait;
    entry.wait = old ? kFirstWait : std::min(entry.wait * 2, kLongestWait);
    entry.since = now;
    entry.error = cat("ErrImagePull: ", why);
    co_return std::unexpected(StartError{"ErrImagePull", why});
  }
  const std::string took = go_duration(executor_.steady() - started);
  auto status = co_await runtime_.image_status(spec, stop);
  if (!status || !status->has_value()) {
    co_return std::unexpected(
        StartError{"ImageInspectError", cat("Failed to inspect image ", quoted(container.image))});
  }
  report("Normal", "Pulled",
         cat("Successfully pulled image ", quoted(container.image), " in ", took, " (", took,
             " including waiting). Image size: ", (*status)->size, " bytes."));
  co_return Ready{*pulled, user_of(**status)};
}

}  // namespace kpp::kubelet
