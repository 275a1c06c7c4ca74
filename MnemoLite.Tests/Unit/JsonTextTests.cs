using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Tests.Unit;

public sealed class JsonTextTests
{
    [Fact]
    public void Json_is_carried_as_it_was_written() =>
        Assert.Equal("""{"b": 1.50, "a": []}""", JsonText.Parse("""{"b": 1.50, "a": []}""").ToString());

    [Theory]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{")]
    public void Anything_but_an_object_is_refused(string json) =>
        Assert.ThrowsAny<JsonException>(() => JsonText.Parse(json));
}
