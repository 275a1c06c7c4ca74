using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Docker;
using Aspire.Hosting.Kubernetes;

namespace Aspire.Hosting.Docker
{
    /// <summary>Docker Compose, which Aspire can publish the application for; here it has no effect.</summary>
    /// <param name="name">The name, unique in the application.</param>
    public sealed class DockerComposeEnvironmentResource(string name) : Resource(name);
}

namespace Aspire.Hosting.Kubernetes
{
    /// <summary>Kubernetes, which Aspire can publish the application for; here it has no effect.</summary>
    /// <param name="name">The name, unique in the application.</param>
    public sealed class KubernetesEnvironmentResource(string name) : Resource(name)
    {
        /// <summary>Where volumes are kept: <c>emptyDir</c>, <c>hostPath</c> or <c>pvc</c>.</summary>
        public string DefaultStorageType { get; set; } = "emptyDir";
    }
}

namespace Aspire.Hosting
{
    /// <summary>Names Docker Compose as what the application can be published for.</summary>
    public static class DockerComposeEnvironmentExtensions
    {
        /// <summary>Has no effect: nothing is published from here, and it is no resource that runs.</summary>
        public static IResourceBuilder<DockerComposeEnvironmentResource> AddDockerComposeEnvironment(this IDistributedApplicationBuilder builder, string name) =>
            new ResourceBuilder<DockerComposeEnvironmentResource>(builder, new(name));

        /// <summary>Has no effect.</summary>
        public static IResourceBuilder<DockerComposeEnvironmentResource> WithDashboard(
            this IResourceBuilder<DockerComposeEnvironmentResource> builder, bool enabled = true)
        {
            _ = enabled;
            return builder;
        }
    }

    /// <summary>Names Kubernetes as what the application can be published for.</summary>
    public static class KubernetesEnvironmentExtensions
    {
        /// <summary>Has no effect: nothing is published from here, and it is no resource that runs.</summary>
        public static IResourceBuilder<KubernetesEnvironmentResource> AddKubernetesEnvironment(this IDistributedApplicationBuilder builder, string name) =>
            new ResourceBuilder<KubernetesEnvironmentResource>(builder, new(name));

        /// <summary>Changes the environment's properties.</summary>
        public static IResourceBuilder<KubernetesEnvironmentResource> WithProperties(
            this IResourceBuilder<KubernetesEnvironmentResource> builder, Action<KubernetesEnvironmentResource> configure)
        {
            configure(builder.Resource);
            return builder;
        }
    }
}
