#include <algorithm>
#include <map>

#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

namespace {

constexpr std::int64_t kMega = 1024 * 1024;
constexpr std::int64_t kLeast = 23 * kMega;
constexpr std::int64_t kMostOfAContainer = 1000 * kMega;

// The name as nodes report it: with a tag.
std::string with_tag(const std::string& image) {
  const std::size_t slash = image.rfind('/');
  const std::size_t from = slash == std::string::npos ? 0 : slash;
  return image.find(':', from) == std::string::npos && image.find('@') == std::string::npos
             ? image + ":latest"
             : image;
}

// Large images that a node has already count, the less so the fewer nodes have them.
class ImageScore final : public PodScore {
 public:
  ImageScore(const PodInfo& pod, const Cache& cache) : all_nodes_(cache.nodes().size()) {
    const auto add = [this](const corev1::Container& container) {
      images_.push_back(with_tag(container.image));
    };
    std::for_each(pod.pod->spec.init_containers.begin(), pod.pod->spec.init_containers.end(), add);
    std::for_each(pod.pod->spec.containers.begin(), pod.pod->spec.containers.end(), add);
    for (const auto& image : images_) {
      if (const auto nodes = cache.nodes_with_image(image)) nodes_with_[image] = nodes;
    }
  }
  bool empty() const { return nodes_with_.empty(); }
  std::int64_t score(const NodeInfo& info) const override {
    std::int64_t sum = 0;
    for (const auto& wanted : images_) {
      for (const auto& image : info.node->status.images) {
        if (std::find(image.names.begin(), image.names.end(), wanted) == image.names.end())
          continue;
        sum += static_cast<std::int64_t>(static_cast<double>(image.size_bytes) *
                                         static_cast<double>(nodes_with_.at(wanted)) /
                                         static_cast<double>(all_nodes_));
        break;
      }
    }
    const std::int64_t most = kMostOfAContainer * static_cast<std::int64_t>(images_.size());
    return kMaxNodeScore * (std::clamp(sum, kLeast, most) - kLeast) / (most - kLeast);
  }
  void normalize(std::vector<std::int64_t>& /*scores*/,
                 const std::vector<const NodeInfo*>& /*nodes*/) const override {}

 private:
  std::vector<std::string> images_;
  std::map<std::string, std::size_t> nodes_with_;
  std::size_t all_nodes_;
};

class ImageLocality final : public ScorePlugin {
 public:
  std::string_view name() const override { return "ImageLocality"; }
  std::int64_t weight() const override { return 1; }
  std::unique_ptr<PodScore> prepare(
      const PodInfo& pod, const Cache& cache,
      const std::vector<const NodeInfo*>& /*fitting*/) const override {
    auto out = std::make_unique<ImageScore>(pod, cache);
    if (out->empty()) return nullptr;
    return out;
  }
};

}  // namespace

std::unique_ptr<ScorePlugin> make_image_locality() { return std::make_unique<ImageLocality>(); }

}  // namespace kpp::scheduler
