using System.Net;
using System.Text.Json;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class OperationsTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_names_the_database_and_the_model()
    {
        var health = await app.Client.HealthAsync(Cancelled);
        Assert.Equal("healthy", health.Status);
        Assert.True(health.Database);
        Assert.NotEmpty(health.Services["postgres"].Version!);
        Assert.Equal(("use-lite-fp16", 512), (health.Services["embeddings"].Model, health.Services["embeddings"].Dimension));
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/health/")]
    [InlineData("/readiness")]
    [InlineData("/alive")]
    [InlineData("/scalar")]
    public async Task Operations_answer(string path)
    {
        using var response = await app.Http.GetAsync(path, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Every_operation_in_the_OpenAPI_document_has_a_summary_a_description_and_a_tag()
    {
        using var document = JsonDocument.Parse(await app.Http.GetStringAsync("/openapi/v1.json", Cancelled));
        Assert.StartsWith("3.1", document.RootElement.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var operations = document.RootElement.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()).ToList();
        Assert.NotEmpty(operations);
        Assert.All(operations, operation =>
        {
            Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!);
            Assert.NotEmpty(operation.Value.GetProperty("description").GetString()!);
            Assert.NotEmpty(operation.Value.GetProperty("tags").EnumerateArray());
        });
    }
}
