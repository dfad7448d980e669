#include "dockershim/images.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>

#include "async/wait.h"
#include "dockershim/docker_objects.h"

namespace kpp::dockershim {
namespace {

// Images without a name have these for one.
std::vector<std::string> named(std::vector<std::string> names) {
  std::erase_if(names, [](const std::string& name) { return name.contains("<none>"); });
  return names;
}

// The user of an image's config: a number is a uid, another word a name; a group is left out.
void set_user(std::string_view user, cri::Image& image) {
  user = user.substr(0, user.find(':'));
  std::int64_t uid = 0;
  const auto read = std::from_chars(user.data(), user.data() + user.size(), uid);
  if (user.empty() || (read.ec == std::errc() && read.ptr == user.data() + user.size()))
    image.uid.emplace().value = uid;
  else
    image.username = user;
}

bool mentions(const cri::Image& image, const std::string& name) {
  return image.id == name || std::ranges::find(image.repo_tags, name) != image.repo_tags.end() ||
         std::ranges::find(image.repo_digests, name) != image.repo_digests.end();
}

std::uint64_t inodes_used(const std::string& directory) {
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) != 0) return 0;
  return info.f_files - info.f_ffree;
}

}  // namespace

cri::Image parse_image(const json::Value& value) {
  cri::Image out;
  out.id = json::text_at(value, "Id");
  out.repo_tags = named(parse_texts(json::find(value, "RepoTags")));
  out.repo_digests = named(parse_texts(json::find(value, "RepoDigests")));
  out.size = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, json::int_at(value, "VirtualSize", json::int_at(value, "Size"))));
  return out;
}

async::Task<Result<json::Value>> Images::inspect(std::string image, async::StopToken stop) {
  // Slashes of a name are part of the path.
  return deps_.engine.get(cat("/images/", image, "/json"), "", std::move(stop));
}

async::Task<GrpcResult<std::vector<cri::Image>>> Images::list(cri::ImageFilter filter,
                                                              async::StopToken stop) {
  KPP_GRPC_ASSIGN(const json::Value answer,
                  co_await deps_.engine.get("/images/json", "", std::move(stop)));
  const std::string name = filter.image ? filter.image->image : std::string();
  std::vector<cri::Image> out;
  if (!answer.is_array()) co_return out;
  for (const json::Value& item : answer.as_array()) {
    cri::Image image = parse_image(item);
    if (name.empty() || mentions(image, name)) out.push_back(std::move(image));
  }
  co_return out;
}

async::Task<GrpcResult<api::Opt<cri::Image>>> Images::status(cri::ImageSpec image,
                                                             async::StopToken stop) {
  api::Opt<cri::Image> out;
  if (image.image.empty())
    co_return std::unexpected(GrpcStatus{net::kGrpcInvalidArgument, "the image has no name"});
  auto answer = co_await inspect(image.image, std::move(stop));
  if (!answer) {
    if (answer.error().is(Reason::kNotFound)) co_return out;
    co_return failed(answer.error());
  }
  out = parse_image(*answer);
  set_user(json::text_at(*answer, "Config.User"), *out);
  co_return out;
}

async::Task<GrpcResult<std::string>> Images::pull(cri::PullImageRequest request,
                                                  async::StopToken stop) {
  if (!request.image || request.image->image.empty())
    co_return std::unexpected(GrpcStatus{net::kGrpcInvalidArgument, "the image has no name"});
  const std::string name = request.image->image;
  cri::AuthConfig auth;
  if (request.auth) auth = std::move(*request.auth);
  const Status pulled = co_await puller_.pull(name, std::move(auth), stop);
  // Of what went wrong the kubelet shows the text alone.
  if (!pulled.ok()) co_return std::unexpected(GrpcStatus{net::kGrpcUnknown, pulled.message()});
  KPP_GRPC_ASSIGN(const json::Value answer, co_await inspect(name, std::move(stop)));
  const cri::Image image = parse_image(answer);
  co_return image.repo_digests.empty() ? image.id : image.repo_digests[0];
}

async::Task<GrpcStatus> Images::remove(cri::ImageSpec image, async::StopToken stop) {
  auto answer = co_await inspect(image.image, stop);
  if (!answer) {
    if (answer.error().is(Reason::kNotFound)) co_return GrpcStatus{};
    co_return to_grpc(answer.error());
  }
  const cri::Image found = parse_image(*answer);
  // An id stands for all of the image's names; Docker refuses to remove one that has several.
  std::vector<std::string> names{image.image};
  if (image.image == found.id || found.id == cat("sha256:", image.image)) {
    names = found.repo_tags;
    names.insert(names.end(), found.repo_digests.begin(), found.repo_digests.end());
    if (names.empty()) names = {found.id};
  }
  for (const std::string& name : names) {
    const Status removed = co_await deps_.engine.remove(cat("/images/", name), "", stop);
    if (!removed.ok() && !removed.is(Reason::kNotFound))
      co_return GrpcStatus{net::kGrpcUnknown, removed.message()};
  }
  co_return GrpcStatus{};
}

async::Task<GrpcResult<cri::ImageFsInfoResponse>> Images::fs_info(async::StopToken stop) {
  KPP_GRPC_ASSIGN(const EngineInfo info, co_await deps_.engine.info(stop));
  KPP_GRPC_ASSIGN(const json::Value usage,
                  co_await deps_.engine.get("/system/df", "", std::move(stop)));
  const std::string root = info.root_directory;
  const std::uint64_t inodes =
      co_await async::offload(deps_.executor, deps_.pool, [root] { return inodes_used(root); });
  cri::FilesystemUsage out;
  out.timestamp = deps_.executor.wall().time_since_epoch().count();
  out.fs_id.emplace().mountpoint = root;
  out.used_bytes.emplace().value =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, json::int_at(usage, "LayersSize")));
  out.inodes_used.emplace().value = inodes;
  cri::ImageFsInfoResponse response;
  response.image_filesystems.push_back(out);
  response.container_filesystems.push_back(std::move(out));
  co_return response;
}

}  // namespace kpp::dockershim
