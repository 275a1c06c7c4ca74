using Microsoft.AspNetCore.Http;
using MnemoLite.Web.Components;

namespace MnemoLite.Tests.Unit.Web;

public sealed class BrowserPreferencesTests
{
    [Theory]
    [InlineData("mnemolite-space=work", "work")]
    [InlineData("mnemolite-space=w.0_r-k", "w.0_r-k")]
    [InlineData("mnemolite-space=Work", null)]
    [InlineData("mnemolite-space=work%0D%0AX:%20y", null)]
    [InlineData("mnemolite-space=", null)]
    [InlineData("appearance=dark", null)]
    public void A_space_is_one_if_it_is_named_like_one(string cookie, string? space)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Cookie = cookie;
        Assert.Equal(space, BrowserPreferences.From(http.Request.Cookies).Space);
    }
}
